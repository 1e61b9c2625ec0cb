package dev.replicator.dumps.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.replicator.dumps.TableDefinition;
import dev.replicator.dumps.TableDefinition.Constraint;
import dev.replicator.dumps.TableDefinition.ConstraintKind;
import dev.replicator.dumps.TableDefinition.Index;
import dev.replicator.queue.TableName;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IndexBuildTest {
    private static final TableName TABLE = new TableName("public", "t");

    private static List<String> statements(ConstraintKind kind, String constraint, Index... indexes) {
        TableDefinition definition = new TableDefinition(
                TABLE,
                List.of(),
                List.of(),
                List.of(),
                List.of(new Constraint(kind, "t_key", constraint)),
                List.of(indexes),
                List.of());
        return IndexBuild.of(definition, TABLE).stream()
                .map(IndexBuild::statement)
                .toList();
    }

    @Test
    void shouldBuildIndexesBeforeThoseOfKeys() {
        assertEquals(
                List.of(
                        "CREATE UNIQUE INDEX \"by_b\" ON \"public\".\"t\" USING btree (b) WHERE (a > 1)",
                        "CREATE UNIQUE INDEX \"t_key\" ON \"public\".\"t\" (id)"),
                statements(
                        ConstraintKind.PRIMARY_KEY,
                        "PRIMARY KEY (id)",
                        new Index("by_b", true, "USING btree (b) WHERE (a > 1)")));
    }

    @Test
    void shouldTakeOddNamesOfColumns() {
        assertEquals(
                List.of("CREATE UNIQUE INDEX \"t_key\" ON \"public\".\"t\" (\"a, b) \"\"c\", _d2)"),
                statements(ConstraintKind.UNIQUE, "UNIQUE (\"a, b) \"\"c\", _d2)"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UNIQUE (a) DEFERRABLE",
                "UNIQUE NULLS NOT DISTINCT (a)",
                "UNIQUE (a) INCLUDE (b)",
                "UNIQUE (a) WITH (fillfactor='70')",
                "UNIQUE (a, period WITHOUT OVERLAPS)"
            })
    void shouldLeaveWhatAnIndexAloneCannotBeToTheConstraint(String constraint) {
        assertEquals(List.of(), statements(ConstraintKind.UNIQUE, constraint));
    }
}
