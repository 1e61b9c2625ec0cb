package dev.replicator.forwarder;

import static dev.replicator.forwarder.TestStream.CUSTOMERS;
import static dev.replicator.forwarder.TestStream.ORDERS;
import static dev.replicator.forwarder.TestStream.SECRET;
import static dev.replicator.forwarder.TestStream.table;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.TableSchema;
import dev.replicator.queue.TableSelection;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class GrantStateTest {
    private static GrantState granting(String... patterns) {
        return new GrantState(new TableSelection(List.of(patterns), List.of()), List.of(ORDERS, CUSTOMERS, SECRET));
    }

    @Test
    void shouldGrantByTheNamesInForce() {
        GrantState grants = granting("public.*");
        assertTrue(grants.grants(ORDERS.tableId()) && grants.grants(CUSTOMERS.tableId()));
        assertFalse(grants.grants(SECRET.tableId()));
        assertEquals(Set.of(100), grants.granted(Set.of(ORDERS.name(), SECRET.name())));
    }

    @Test
    void r24ShouldEndAGrantWhenTheNameGoesToAnotherTable() {
        GrantState grants = granting("public.orders");
        assertTrue(grants.schema(table(ORDERS.tableId(), "public.orders_old", 2)));
        assertFalse(grants.grants(ORDERS.tableId()));
        assertTrue(grants.schema(table(SECRET.tableId(), "public.orders", 2)));
        assertTrue(grants.grants(SECRET.tableId()));
    }

    @Test
    void shouldGiveTheNameOfATableMadeAnewToTheNewOne() {
        TableSchema anew = table(900, "public.orders", 2);
        GrantState grants = granting("public.orders");
        assertTrue(grants.schema(anew));
        assertFalse(grants.grants(ORDERS.tableId()));
        assertEquals(List.of(anew), grants.tables());

        GrantState fromBoth =
                new GrantState(new TableSelection(List.of("public.orders"), List.of()), List.of(anew, ORDERS));
        assertEquals(List.of(anew), fromBoth.tables());
    }

    @Test
    void shouldReportChangesOfIncarnationsButNotOfColumns() {
        GrantState grants = granting("public.orders");
        assertFalse(grants.schema(ORDERS));
        assertFalse(grants.schema(table(ORDERS.tableId(), "public.orders", 1, "remark")));
        assertTrue(grants.schema(table(ORDERS.tableId(), "public.orders", 2)));
        assertFalse(grants.schema(table(ORDERS.tableId(), "public.orders", 1)), "an older one read again");
        assertEquals(2, grants.tables().get(0).incarnation());
    }

    @Test
    void shouldFollowTheTableSetWithExclusions() {
        GrantState grants = granting("public.*");
        grants.selection(new TableSelection(List.of("*.*"), List.of("hr.*", "public.cust*")), false);
        assertEquals(List.of(ORDERS), grants.tables());
        grants.selection(new TableSelection(List.of(), List.of()), false);
        assertTrue(grants.tables().isEmpty());
    }
}
