package dev.replicator.dumps.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

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
        return IndexBuild.of(definition(kind, constraint, indexes), TABLE).stream()
                .map(IndexBuild::statement)
                .toList();
    }

    private static TableDefinition definition(ConstraintKind kind, String constraint, Index... indexes) {
        return new TableDefinition(
                TABLE,
                List.of(),
                List.of(),
                List.of(),
                List.of(new Constraint(kind, "t_key", constraint)),
                List.of(indexes),
                List.of());
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

    @Test
    void shouldRefuseTwoIndexesWhoseNamesHaveTheSameHash() {
        // CRC32 of both is 4ddb0c25.
        TableDefinition definition = definition(
                ConstraintKind.PRIMARY_KEY,
                "PRIMARY KEY (id)",
                new Index("plumless", false, "USING btree (a)"),
                new Index("buckeroo", false, "USING btree (b)"));
        IllegalStateException refused = assertThrows(
                IllegalStateException.class, () -> IndexBuild.of(definition, new TableName("replicator", "copy")));
        assertEquals(
                "two indexes of public.t get the same name while it is built: rename one of them on the master",
                refused.getMessage());
        assertEquals(3, IndexBuild.of(definition, TABLE).size());
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
