package dev.replicator.slave.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.TableName;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ForeignKeyOrderTest {

    @Test
    void shouldPutParentsBeforeChildren() {
        List<TargetTable> tables = new ArrayList<>(List.of(
                table("a", false, "b", "c"),
                table("b", false, "c"),
                table("c", false),
                table("d", false, "a", "outside")));
        for (int i = 0; i < 20; i++) {
            Collections.shuffle(tables, new Random(i));
            ForeignKeyOrder order = ForeignKeyOrder.of(tables, false);
            assertTrue(order.rank(name("c")) < order.rank(name("b")));
            assertTrue(order.rank(name("b")) < order.rank(name("a")));
            assertTrue(order.rank(name("a")) < order.rank(name("d")));
            assertEquals(Set.of(), order.cyclic());
        }
    }

    @Test
    void shouldNameOnlyTablesOfACycleThatIsCheckedAtOnce() {
        List<TargetTable> live =
                List.of(table("a", false, "b"), table("b", false, "a"), table("c", false, "a"), table("d", false, "d"));
        assertEquals(
                Set.of(name("a"), name("b")), ForeignKeyOrder.of(live, false).cyclic());
        assertEquals(Set.of(), ForeignKeyOrder.of(live, true).cyclic());

        List<TargetTable> deferrable = List.of(table("a", true, "b"), table("b", false, "a"));
        assertEquals(Set.of(), ForeignKeyOrder.of(deferrable, false).cyclic());
    }

    private static TableName name(String table) {
        return new TableName("s", table);
    }

    private static TargetTable table(String table, boolean deferrable, String... parents) {
        List<TargetForeignKey> references = new ArrayList<>();
        for (String parent : parents) {
            references.add(new TargetForeignKey(
                    table + "_" + parent, name(table), name(parent), false, deferrable, true, false));
        }
        return new TargetTable(
                1,
                name(table),
                false,
                List.of(),
                List.of(),
                Set.of(),
                references,
                List.of(),
                List.of(),
                false,
                false,
                List.of());
    }
}
