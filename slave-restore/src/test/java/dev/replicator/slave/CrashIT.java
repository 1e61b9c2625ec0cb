package dev.replicator.slave;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.dumps.StoredDump;
import dev.replicator.embedded.Await;
import dev.replicator.queue.TableName;
import dev.replicator.queue.wire.SlaveReport;
import dev.replicator.slave.lane.BatchLimits;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Daemon, database and forwarder go away at every step; another history begins (rules R07, R10, R11). */
final class CrashIT extends SlaveITBase {
    private TableName orders;
    private TableName items;

    @BeforeEach
    void createTables() throws Exception {
        orders = slave.master.createTable("public.orders");
        items = slave.master.createTable("public.items");
        slave.master.begin().insert(orders, 1, "a").insert(items, 1, "b").commit();
        slave.forwarder.select("public.*");
    }

    @Test
    void shouldGoOnFromEveryDurableStepOfARestore() throws Exception {
        StoredDump dump = slave.master.beginDump(orders, slave.master.tail().seq(), List.of());
        FakeMaster.writeChunks(dump, slave.master.rows(orders), 1);
        slave.forwarder.chosenDumps.put("public.orders", dump.id());
        slave.forwarder.withheldLanes.add("restore-1");
        slave.start();
        awaitPhase("loading", 1);
        slave.stop();
        slave.master.begin().insert(orders, 2, "x").update(items, 1, "y").commit();
        slave.start();
        dump.complete();
        awaitPhase("catching-up", 2);
        slave.stop();
        slave.start();
        slave.master.begin().insert(orders, 3, "x").commit();
        slave.forwarder.withheldLanes.add("main");
        slave.forwarder.breakLanes();
        slave.forwarder.withheldLanes.remove("restore-1");
        Await.until(
                "the side lane to be ready to join",
                SlaveFixture.WAIT,
                () -> "2".equals(slave.value("SELECT count(*) FROM replicator.restore WHERE boundary IS NULL")),
                slave::describe);
        slave.stop();
        slave.forwarder.withheldLanes.clear();
        slave.start();

        slave.awaitInSync(orders, items);
        assertEquals("0", slave.value("SELECT count(*) FROM replicator.lane"));
    }

    private void awaitPhase(String phase, int count) {
        Await.until(
                count + " restores " + phase,
                SlaveFixture.WAIT,
                () -> Integer.parseInt(
                                slave.value("SELECT count(*) FROM replicator.restore WHERE phase = '" + phase + "'"))
                        >= count,
                slave::describe);
    }

    @Test
    void shouldComeOutEqualWhenStoppedAtAnyMoment() throws Exception {
        long seed = Long.getLong("test.seed", System.nanoTime());
        Random random = new Random(seed);
        int next = 10;
        for (int round = 0; round < 8; round++) {
            slave.start();
            if (round == 4) {
                slave.forwarder.command("resync", List.of(), 0, List.of());
            }
            int transactions = random.nextInt(60);
            for (int i = 0; i < transactions; i++) {
                slave.master
                        .begin()
                        .insert(orders, next, "o")
                        .insert(items, next, "i")
                        .commit();
                slave.master
                        .begin()
                        .move(orders, next, -next, "moved")
                        .delete(items, next)
                        .commit();
                next++;
            }
            if (random.nextBoolean()) {
                slave.forwarder.breakLanes();
            }
            slave.stop();
        }
        slave.start();
        slave.awaitInSync(orders, items);
        assertEquals("0", slave.value("SELECT count(*) FROM replicator.restore"), "seed " + seed);
    }

    @Test
    void shouldOutliveItsDatabaseAndTheForwarder() throws Exception {
        slave.start();
        slave.awaitInSync(orders, items);

        slave.server.kill9();
        slave.master.begin().insert(orders, 2, "x").commit();
        Await.until(
                "the report to say it",
                SlaveFixture.WAIT,
                () -> slave.forwarder.lastReport.getState().equals("connecting")
                        && slave.forwarder.lastReport.getError().contains("database"),
                slave::describe);
        slave.server.startAgain();
        slave.awaitInSync(orders, items);

        int port = slave.forwarder.port();
        slave.forwarder.close();
        slave.master.begin().insert(orders, 3, "x").commit();
        slave.forwarder = new FakeForwarder(slave.master, port);
        slave.forwarder.select("public.*");
        slave.awaitInSync(orders, items);
    }

    @Test
    void shouldLetASecondDaemonWaitR10() throws Exception {
        slave.start();
        slave.awaitInSync(orders, items);
        try (SlaveDaemon second = new SlaveDaemon(slave.config(directory.resolve("work2")))) {
            second.start();
            Await.until("the second daemon to say whom it waits for", SlaveFixture.WAIT, () -> second.report()
                    .getError()
                    .contains("another daemon"));
            slave.master.begin().insert(orders, 2, "x").commit();
            slave.awaitEqual(orders);
            slave.stop();

            slave.master.begin().insert(orders, 3, "y").commit();
            slave.awaitEqual(orders);
        }
    }

    @Test
    void shouldRestoreEverythingWithOldRowsInServiceWhenItsPlaceIsGone() throws Exception {
        slave.start();
        slave.awaitInSync(orders, items);
        slave.stop();
        slave.master.begin().insert(orders, 2, "x").commit();
        slave.forwarder.refusal = "needs-resync";
        slave.forwarder.withheldLanes.add("restore-2");
        slave.start();
        Await.until(
                "the state to say it",
                SlaveFixture.WAIT,
                () -> "2".equals(slave.value("SELECT count(*) FROM replicator.table_state WHERE lane IS NULL")),
                slave::describe);
        assertEquals("1", slave.value("SELECT count(*) FROM public.orders"));
        slave.forwarder.refusal = "";
        slave.forwarder.withheldLanes.clear();

        slave.awaitInSync(orders, items);
    }

    @Test
    void shouldFollowANewEpochR07() throws Exception {
        slave.start();
        slave.awaitInSync(orders, items);

        slave.master.newEpoch();
        slave.forwarder.breakLanes();
        slave.master.begin().insert(orders, 2, "new history").commit();

        slave.awaitInSync(orders, items);
        assertEquals("2", slave.value("SELECT epoch FROM replicator.progress"));
    }

    @Test
    void shouldApplyATransactionLargerThanABatchInOneGo() throws Exception {
        slave.limits = new BatchLimits(1000, Duration.ofMillis(20), 50_000);
        slave.start();
        slave.awaitInSync(orders, items);
        FakeMaster.Transaction large = slave.master.begin();
        for (int i = 0; i < 60_000; i++) {
            large.insert(orders, 1000 + i, "some text that makes a row a little longer " + i);
        }
        large.commit();

        Await.until("all rows", Duration.ofSeconds(60), () -> {
            String count = slave.value("SELECT count(*) FROM public.orders");
            assertTrue(count.equals("1") || count.equals("60001"), "a reader saw " + count + " rows");
            return count.equals("60001");
        });
        slave.awaitInSync(orders, items);
    }

    @Test
    void r23ShouldExecuteACommandOnce() throws Exception {
        slave.start();
        slave.awaitInSync(orders, items);
        String command = slave.forwarder.command("resync", List.of("public.orders"), 0, List.of());
        slave.awaitDone(command);
        slave.awaitInSync(orders, items);
        int dumps = slave.forwarder.dumpsRequired.get();

        slave.stop();
        slave.forwarder.repeat(command);
        slave.start();
        slave.master.begin().insert(orders, 2, "x").commit();

        slave.awaitInSync(orders, items);
        SlaveReport report = slave.forwarder.lastReport;
        assertTrue(report.getDoneCommandsList().contains(command));
        assertEquals(dumps, slave.forwarder.dumpsRequired.get());
    }
}
