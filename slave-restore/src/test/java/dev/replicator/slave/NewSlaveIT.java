package dev.replicator.slave;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.replicator.dumps.StoredDump;
import dev.replicator.embedded.Await;
import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** A new slave: dump, catch-up, hand-over, and where a dump meets the stream (rules R03, R11, R13). */
final class NewSlaveIT extends SlaveITBase {

    @Test
    void shouldRestoreCatchUpAndFollow() throws Exception {
        TableName orders = slave.master.createTable("public.orders");
        TableName items = slave.master.createTable("sales.items");
        for (int i = 1; i <= 50; i++) {
            slave.master
                    .begin()
                    .insert(orders, i, "o" + i)
                    .insert(items, i, "i" + i)
                    .commit();
        }
        slave.forwarder.select("public.orders", "sales.items");

        slave.start();

        slave.awaitInSync(orders, items);
        slave.master.begin().update(orders, 7, "changed").delete(items, 3).commit();
        slave.master.begin().insert(items, 100, "new").commit();
        slave.awaitEqual(orders);
        slave.awaitEqual(items);
        Await.until(
                "the position to be acknowledged",
                SlaveFixture.WAIT,
                () -> slave.master.tail().equals(slave.forwarder.acknowledged.get("main")),
                slave::describe);
        assertEquals("0", slave.value("SELECT count(*) FROM replicator.lane"));
        assertEquals(
                "0",
                slave.value(
                        "SELECT count(*) FROM pg_tables WHERE schemaname = 'replicator' AND tablename LIKE 'copy%'"));
        assertEquals(
                "orders_pkey",
                slave.value("SELECT conname FROM pg_constraint WHERE conrelid = 'orders'::regclass AND contype = 'p'"));
    }

    @Test
    void shouldApplyExactlyWhatTheSnapshotDidNotSeeWhenR11BoundaryHasHoles() throws Exception {
        TableName orders = slave.master.createTable("public.orders");
        slave.master.begin().insert(orders, 1, "a").commit();
        long base = slave.master.tail().seq();
        // Two transactions are in the queue; the snapshot sees the second and not the first.
        FakeMaster.Transaction invisible = slave.master.begin();
        invisible.insert(orders, 2, "late").commit();
        slave.master.begin().insert(orders, 3, "seen").commit();
        Map<Integer, String> seen = new TreeMap<>(Map.of(1, "a", 3, "seen"));
        String dump = slave.master.dump(orders, seen, base, List.of(invisible.xid), 1);
        slave.forwarder.chosenDumps.put("public.orders", dump);
        slave.forwarder.select("public.orders");

        slave.start();

        slave.awaitInSync(orders);
        assertEquals(Map.of(1, "a", 2, "late", 3, "seen"), slave.rows(orders));
    }

    @Test
    void r03ShouldNotBringATableIntoServiceWhenItsDumpIsNotComplete() throws Exception {
        TableName orders = slave.master.createTable("public.orders");
        slave.master.begin().insert(orders, 1, "a").insert(orders, 2, "b").commit();
        StoredDump dump = slave.master.beginDump(orders, slave.master.tail().seq(), List.of());
        FakeMaster.writeChunks(dump, slave.master.rows(orders), 2);
        slave.forwarder.chosenDumps.put("public.orders", dump.id());
        slave.forwarder.select("public.orders");

        slave.start();

        Await.until(
                "both chunks to be loaded",
                SlaveFixture.WAIT,
                () -> "2".equals(slave.value("SELECT count(*) FROM replicator.restore_chunk")),
                slave::describe);
        assertEquals("loading", slave.value("SELECT phase FROM replicator.restore"));
        assertEquals("t", slave.value("SELECT to_regclass('public.orders') IS NULL"));
        dump.complete();
        slave.awaitInSync(orders);
    }

    @Test
    void shouldAskForAnotherDumpWhenOneFailsInTheMiddle() throws Exception {
        TableName orders = slave.master.createTable("public.orders");
        slave.master.begin().insert(orders, 1, "a").insert(orders, 2, "b").commit();
        StoredDump dump = slave.master.beginDump(orders, slave.master.tail().seq(), List.of());
        FakeMaster.writeChunks(dump, Map.of(1, "wrong", 77, "wrong"), 2);
        slave.forwarder.chosenDumps.put("public.orders", dump.id());
        slave.forwarder.select("public.orders");
        slave.start();
        Await.until(
                "both chunks to be loaded",
                SlaveFixture.WAIT,
                () -> "2".equals(slave.value("SELECT count(*) FROM replicator.restore_chunk")),
                slave::describe);

        slave.master.dumps.delete(dump.id());

        slave.awaitInSync(orders);
    }

    @Test
    void r08ShouldTakeANewDumpWhenTheTableIsAlteredBeforeItsFirstOneIsInService() throws Exception {
        TableName orders = slave.master.createTable("public.orders");
        slave.master.begin().insert(orders, 1, "a").commit();
        slave.forwarder.select("public.orders");
        slave.forwarder.withheldLanes.add("restore-1");
        slave.start();
        slave.awaitState(orders, "catching-up");

        slave.master.addColumn(orders);
        slave.master
                .begin()
                .add(orders, new RowChange(ChangeKind.INSERT, null, new Object[] {2, "b", "value"}))
                .commit();
        // The main lane is beyond the change: the side lane cannot join before it.
        Await.until(
                "the main lane to pass",
                SlaveFixture.WAIT,
                () -> slave.master.tail().equals(slave.forwarder.acknowledged.get("main")),
                slave::describe);
        slave.forwarder.withheldLanes.clear();

        slave.awaitInSync(orders);
        assertEquals(
                "3",
                slave.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0"));
    }
}
