package dev.replicator.slave;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.replicator.embedded.Await;
import dev.replicator.queue.TableName;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tables that join, leave and become others while the rest flows (rules R08, R11). */
final class TableSetIT extends SlaveITBase {
    private TableName orders;
    private TableName items;

    @BeforeEach
    void createTables() throws Exception {
        orders = slave.master.createTable("public.orders");
        items = slave.master.createTable("public.items");
        slave.master.begin().insert(orders, 1, "a").insert(items, 1, "b").commit();
    }

    @Test
    void shouldBringATableOverWhileAnotherFlows() throws Exception {
        slave.forwarder.select("public.orders");
        slave.start();
        slave.awaitInSync(orders);
        assertEquals(1, slave.forwarder.lastReport.getTablesCount());

        slave.forwarder.withheldLanes.add("restore-2");
        slave.forwarder.select("public.orders", "public.items");
        slave.awaitState(items, "catching-up");
        slave.master.begin().insert(orders, 2, "flows").insert(items, 2, "c").commit();
        slave.awaitEqual(orders);
        slave.forwarder.withheldLanes.clear();

        slave.awaitInSync(orders, items);
    }

    @Test
    void shouldForgetARemovedTableAndBeginWithADumpWhenItComesBackR11() throws Exception {
        slave.forwarder.select("public.orders", "public.items");
        slave.start();
        slave.awaitInSync(orders, items);

        slave.forwarder.select("public.orders");
        Await.until(
                "items to be forgotten",
                SlaveFixture.WAIT,
                () -> slave.table(items).isEmpty(),
                slave::describe);
        slave.master.begin().update(items, 1, "unseen").insert(orders, 2, "b").commit();
        slave.awaitEqual(orders);
        assertEquals(Map.of(1, "b"), slave.rows(items));
        slave.forwarder.select("public.orders", "public.items");

        slave.awaitInSync(orders, items);
    }

    /** A forwarder that has lost its queue knows no place as late as the slave has noted; its newest set counts all the same. */
    @Test
    void r11ShouldTakeOverTheNewestSetWhateverPlaceItHas() throws Exception {
        slave.forwarder.select("public.orders", "public.items");
        slave.start();
        slave.awaitInSync(orders, items);
        assertEquals("t", slave.value("SELECT table_set_seq > 0 FROM replicator.installation"));
        slave.stop();

        slave.forwarder.selectFromTheBeginning("public.orders");
        slave.start();
        Await.until(
                "items to be forgotten",
                SlaveFixture.WAIT,
                () -> slave.table(items).isEmpty(),
                slave::describe);
    }

    @Test
    void r08ShouldKeepOldRowsInServiceUntilTheNewIncarnationIsThere() throws Exception {
        slave.forwarder.select("public.*");
        slave.start();
        slave.awaitInSync(orders, items);
        slave.forwarder.withheldLanes.add("restore-2");

        slave.master.newIncarnation(items, Map.of(1, "rewritten", 2, "more"));

        slave.awaitState(items, "catching-up");
        assertEquals(Map.of(1, "b"), slave.rows(items));
        slave.master
                .begin()
                .insert(orders, 9, "flows")
                .insert(items, 3, "later")
                .commit();
        slave.awaitEqual(orders);
        slave.forwarder.withheldLanes.clear();
        slave.awaitInSync(orders, items);
    }

    @Test
    void shouldWaitWithoutHarmForATableThatTheMasterDoesNotHaveYet() throws Exception {
        slave.forwarder.select("public.orders", "public.later");
        slave.start();
        slave.awaitInSync(orders);
        Await.until(
                "the slave to be in sync",
                SlaveFixture.WAIT,
                () -> slave.forwarder.lastReport.getState().equals("in-sync"),
                slave::describe);

        TableName later = slave.master.createTable("public.later");
        slave.master.begin().insert(later, 1, "x").commit();

        slave.awaitInSync(orders, later);
    }

    @Test
    void shouldTakeInATableThatAPatternGrantsAsSoonAsItIsMade() throws Exception {
        slave.forwarder.select("public.*");
        slave.start();
        slave.awaitInSync(orders, items);

        TableName fresh = slave.master.createTable("public.fresh");
        slave.master.begin().insert(fresh, 1, "x").commit();

        slave.awaitInSync(orders, items, fresh);
    }
}
