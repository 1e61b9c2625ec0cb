package dev.replicator.slave;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.embedded.Await;
import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.slave.postgres.ConflictPolicy;
import dev.replicator.slave.postgres.SqlFailures;
import java.sql.Connection;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Changes that do not fit: careful replay, parking, and the ways out (rules R18, R23). */
final class ConflictIT extends SlaveITBase {
    private TableName orders;
    private TableName items;

    @BeforeEach
    void createTables() throws Exception {
        orders = slave.master.createTable("public.orders");
        items = slave.master.createTable("public.items");
        slave.master.begin().insert(orders, 1, "a").insert(items, 1, "b").commit();
        slave.forwarder.select("public.*");
    }

    /** Transactions before, at and behind a change that cannot be applied; returns the failing one. */
    private long conflict() throws Exception {
        slave.execute("INSERT INTO public.orders VALUES (50, 'local')");
        slave.master
                .begin()
                .insert(orders, 2, "before")
                .insert(items, 2, "before")
                .commit();
        long seq = slave.master
                .begin()
                .insert(orders, 50, "master")
                .insert(items, 50, "same")
                .commit();
        slave.master
                .begin()
                .insert(orders, 3, "behind")
                .insert(items, 3, "behind")
                .commit();
        slave.awaitState(orders, "error");
        slave.awaitEqual(items);
        assertEquals(Map.of(1, "a", 2, "before", 50, "local"), slave.rows(orders));
        assertEquals(seq, slave.table(orders).orElseThrow().getConflictSeq());
        assertTrue(slave.table(orders).orElseThrow().getError().contains("seq " + seq));
        assertEquals("error", slave.forwarder.lastReport.getState());
        return seq;
    }

    private void started() throws Exception {
        slave.start();
        slave.awaitInSync(orders, items);
    }

    @Test
    void r23ShouldParkTheTableAndResumeWhenMended() throws Exception {
        started();
        conflict();

        slave.execute("DELETE FROM public.orders WHERE id = 50");
        slave.awaitDone(slave.forwarder.command("resume", List.of("public.orders"), 0, List.of()));

        slave.awaitInSync(orders, items);
        assertEquals("parked", slave.value("SELECT resolution FROM replicator.conflict"));
    }

    @Test
    void r23ShouldSkipTheTransactionsChangesOfTheParkedTableAndKeepThemOnRecord() throws Exception {
        started();
        long seq = conflict();

        slave.awaitDone(slave.forwarder.command("skip", List.of(), seq, List.of()));

        slave.awaitState(orders, "in-sync");
        Await.until(
                "orders without the skipped row",
                SlaveFixture.WAIT,
                () -> slave.rows(orders).equals(Map.of(1, "a", 2, "before", 3, "behind", 50, "local")),
                slave::describe);
        assertEquals(
                "master",
                slave.value("SELECT row_image #>> '{after,v}' FROM replicator.conflict WHERE resolution = 'skipped'"));
    }

    @Test
    void r23ShouldRefuseToSkipWhatIsNoConflict() throws Exception {
        started();

        String command = slave.forwarder.command("skip", List.of(), 4711, List.of());

        Await.until(
                "the command to be refused",
                SlaveFixture.WAIT,
                () -> slave.forwarder.lastReport.getFailedCommandsList().stream()
                        .anyMatch(failure -> failure.getId().equals(command)
                                && failure.getReason().contains("seq 4711")),
                slave::describe);
    }

    @Test
    void r23ShouldResyncTheParkedTable() throws Exception {
        started();
        conflict();

        slave.awaitDone(slave.forwarder.command("resync", List.of("public.orders"), 0, List.of()));

        slave.awaitInSync(orders, items);
        assertEquals("0", slave.value("SELECT count(*) FROM replicator.lane"));
    }

    @Test
    void r23ShouldStayParkedAcrossARestart() throws Exception {
        started();
        conflict();

        slave.stop();
        slave.start();
        slave.master.begin().insert(items, 60, "flows").commit();

        slave.awaitEqual(items);
        slave.awaitState(orders, "error");
        slave.execute("DELETE FROM public.orders WHERE id = 50");
        slave.awaitDone(slave.forwarder.command("resume", List.of(), 0, List.of()));
        slave.awaitInSync(orders, items);
    }

    @Test
    void r23ShouldStopTheLaneWhenToldSo() throws Exception {
        slave.policy = ConflictPolicy.STOP_SLAVE;
        started();
        slave.execute("INSERT INTO public.orders VALUES (50, 'local')");
        slave.master.begin().insert(orders, 50, "master").commit();
        slave.master.begin().insert(items, 51, "waits").commit();
        slave.awaitState(orders, "error");
        assertEquals(Map.of(1, "b"), slave.rows(items));

        slave.execute("DELETE FROM public.orders WHERE id = 50");
        slave.awaitDone(slave.forwarder.command("resume", List.of(), 0, List.of()));

        slave.awaitInSync(orders, items);
    }

    @Test
    void r23ShouldOverwriteWhenToldSo() throws Exception {
        slave.policy = ConflictPolicy.OVERWRITE;
        started();
        slave.execute("INSERT INTO public.orders VALUES (50, 'local'); DELETE FROM public.orders WHERE id = 1");

        slave.master
                .begin()
                .insert(orders, 50, "master")
                .update(orders, 1, "again")
                .commit();

        slave.awaitInSync(orders, items);
    }

    @Test
    void r23ShouldSkipAndRecordWhenToldSo() throws Exception {
        slave.policy = ConflictPolicy.SKIP;
        started();
        slave.execute("INSERT INTO public.orders VALUES (50, 'local')");

        slave.master
                .begin()
                .insert(orders, 50, "master")
                .insert(orders, 51, "kept")
                .commit();

        Await.until(
                "the rest of the transaction",
                SlaveFixture.WAIT,
                () -> slave.rows(orders).equals(Map.of(1, "a", 50, "local", 51, "kept")),
                slave::describe);
        assertEquals("skipped", slave.value("SELECT resolution FROM replicator.conflict"));
    }

    @Test
    void shouldPauseAndResume() throws Exception {
        started();
        slave.awaitDone(slave.forwarder.command("pause", List.of(), 0, List.of()));
        Await.until(
                "paused",
                SlaveFixture.WAIT,
                () -> slave.forwarder.lastReport.getState().equals("paused"),
                slave::describe);
        slave.master.begin().insert(orders, 2, "later").commit();
        slave.stop();
        slave.start();
        Await.until(
                "paused",
                SlaveFixture.WAIT,
                () -> slave.forwarder.lastReport.getState().equals("paused"),
                slave::describe);
        assertEquals(Map.of(1, "a"), slave.rows(orders));

        slave.awaitDone(slave.forwarder.command("resume", List.of(), 0, List.of()));

        slave.awaitInSync(orders, items);
    }

    @Test
    void shouldTellTheStatementForANewColumnAndGoOnWhenItIsThere() throws Exception {
        started();
        slave.master.addColumn(orders);
        slave.master
                .begin()
                .add(orders, new RowChange(ChangeKind.INSERT, null, new Object[] {2, "x", "y"}))
                .insert(items, 2, "flows")
                .commit();
        slave.awaitState(orders, "error");
        slave.awaitEqual(items);
        String error = slave.table(orders).orElseThrow().getError();
        assertTrue(error.contains("ADD COLUMN \"extra\" text"), error);

        slave.execute("ALTER TABLE public.orders ADD COLUMN extra text");
        slave.awaitDone(slave.forwarder.command("resume", List.of(), 0, List.of()));

        slave.awaitInSync(orders, items);
        assertEquals("y", slave.value("SELECT extra FROM public.orders WHERE id = 2"));
    }

    @Test
    void shouldLetTheRunningResyncMendAConflictR14() throws Exception {
        started();
        slave.execute("INSERT INTO public.orders VALUES (50, 'local')");
        // The side lane may not join before the change that does not fit is there.
        slave.forwarder.withheldLanes.add("restore-2");
        slave.awaitDone(slave.forwarder.command("resync", List.of("public.orders"), 0, List.of()));
        slave.awaitState(orders, "catching-up");
        slave.master.begin().insert(orders, 50, "master").commit();
        slave.awaitState(orders, "error");
        slave.master
                .begin()
                .insert(orders, 51, "behind")
                .insert(items, 51, "flows")
                .commit();
        slave.awaitEqual(items);
        slave.forwarder.withheldLanes.clear();

        slave.awaitInSync(orders, items);
        assertEquals("0", slave.value("SELECT count(*) FROM replicator.lane"));
    }

    @Test
    void r23ShouldShowWhomItWaitsFor() throws Exception {
        started();
        try (Connection other = slave.server.connect(slave.database)) {
            other.setAutoCommit(false);
            other.createStatement().execute("UPDATE public.orders SET v = v WHERE id = 1");
            int pid = SqlFailures.backendPid(other);

            slave.master.begin().update(orders, 1, "changed").commit();

            Await.until(
                    "the report to name pid " + pid,
                    SlaveFixture.WAIT,
                    () -> slave.table(orders).orElseThrow().getBlockedBy().contains(String.valueOf(pid)),
                    slave::describe);
            other.rollback();
        }
        slave.awaitInSync(orders, items);
    }

    @Test
    void shouldReplayCarefullyWhatTheFastPathCannotDo() throws Exception {
        slave.execute("CREATE TABLE public.orders (id int PRIMARY KEY, v text UNIQUE)");
        started();
        slave.master.begin().insert(orders, 2, "b").insert(orders, 3, "c").commit();
        slave.awaitEqual(orders);
        // Values change places within one batch.
        slave.awaitDone(slave.forwarder.command("pause", List.of(), 0, List.of()));
        for (int i = 0; i < 20; i++) {
            slave.master
                    .begin()
                    .update(orders, 2, "free")
                    .update(orders, 3, "b")
                    .update(orders, 2, "c")
                    .commit();
            slave.master
                    .begin()
                    .update(orders, 3, "free")
                    .update(orders, 2, "b")
                    .update(orders, 3, "c")
                    .commit();
        }
        slave.master.begin().move(orders, 1, 4, "a").insert(orders, 1, "d").commit();
        slave.awaitDone(slave.forwarder.command("resume", List.of(), 0, List.of()));

        slave.awaitInSync(orders, items);
        assertEquals("0", slave.value("SELECT count(*) FROM replicator.conflict"));
    }
}
