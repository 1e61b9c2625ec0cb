package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.replicator.embedded.Await;
import dev.replicator.embedded.StepGate;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * R02: a transaction may be in the queue, acknowledged by everybody and pruned from capture's spool, and still no snapshot
 * sees it: its commit waits for a synchronous standby that does not answer. A dump's base must lie below it, and the queue
 * must still hold it.
 */
class R02BaseIT {
    private static final String BUDGET = "12MiB";
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static Stage stage;

    @BeforeAll
    static void start() throws Exception {
        stage = Stage.open();
        stage.defineForwarder(BUDGET, "");
        stage.startForwarder();
        stage.defineCapture("", "public.*");
        // Small segments, so that pruning the spool shows.
        stage.configure("capture.yaml", "max-size: 2GiB", "max-size: 2GiB, segment-size: 256KiB");
        stage.startCapture();
    }

    @AfterAll
    static void stop() throws Exception {
        stage.close();
    }

    /** A table of the test's own, in sync on a slave of its own. */
    private static void replicated(String table, String slave) throws Exception {
        stage.onMaster("CREATE TABLE " + table + " (id int PRIMARY KEY, pad text)");
        stage.startSlave(slave, "public." + table);
        stage.awaitInSync(slave, 1);
    }

    /** The slave is gone for good, and holds nothing. */
    private static void forget(String slave) throws Exception {
        stage.stopSlave(slave);
        Files.delete(stage.cluster().configDirectory().resolve("slaves.d/" + slave + ".yaml"));
        stage.admin("reload").orThrow();
    }

    /** A commit that is in the log, and in the queue as the returned seq, and visible to nobody until released. */
    private static long commitInvisibly(String insert) throws Exception {
        stage.holdCommits();
        long before = stage.status().path("queue").path("lastSeq").asLong();
        Session session = stage.session();
        long backend = session.backend();
        session.start(insert);
        Await.until("the commit waits for the standby", PATIENCE, () -> "SyncRep"
                .equals(stage.masterValue("SELECT wait_event FROM pg_stat_activity WHERE pid = " + backend)));
        stage.waiting().until("it is captured", status -> queue(status, "lastSeq") > before);
        return before + 1;
    }

    /** Transactions that everybody sees at once, some segments of them. */
    private static void traffic(String table, int firstId, int transactions) throws Exception {
        Session session = stage.session().run("SET synchronous_commit = local");
        for (int id = firstId; id < firstId + transactions; id++) {
            session.run("INSERT INTO " + table + " SELECT " + id
                    + ", string_agg(md5(random()::text), '') FROM generate_series(1, 10000)");
        }
    }

    /** The same, until the forwarder has all of it; returns the number of the last transaction. */
    private static long captured(String table, int firstId, int transactions) throws Exception {
        long last = queue(stage.status(), "lastSeq") + transactions;
        traffic(table, firstId, transactions);
        stage.waiting().until("all is captured", status -> queue(status, "lastSeq") >= last);
        return last;
    }

    private static long queue(JsonNode status, String key) {
        return status.path("queue").path(key).asLong();
    }

    private static JsonNode heldBy(JsonNode status, String what) {
        for (JsonNode holder : status.path("queue").path("heldBy")) {
            if (holder.path("what").asText().equals(what)) {
                return holder;
            }
        }
        return MissingNode.getInstance();
    }

    private static JsonNode dumpOf(JsonNode status, String table) {
        JsonNode newest = MissingNode.getInstance();
        for (JsonNode dump : status.path("dumps")) {
            boolean failed = dump.path("state").asText().equals("failed");
            newest = dump.path("table").asText().equals(table) && !failed ? dump : newest;
        }
        return newest;
    }

    private static void dropDumps() throws Exception {
        for (JsonNode dump : stage.status().path("dumps")) {
            stage.admin("dump", "drop", dump.path("id").asText()).orThrow();
        }
    }

    private static String countOnSlave(String slave, String table, int id) throws Exception {
        return stage.slaveValue(slave, "SELECT count(*) FROM " + table + " WHERE id = " + id);
    }

    /** T1 is in queue and log, invisible; spool pruned, slaves current; a dump is taken: T1 must arrive, once. */
    @Test
    void r02ShouldTakeABaseBelowACommitNobodySeesThoughTheSpoolIsPruned() throws Exception {
        replicated("a", "early");
        dropDumps();
        // While this slave is away it holds the queue, so that a round of pruning after its return is seen.
        stage.stopSlave("early");
        traffic("a", 100, 10);
        long before = queue(stage.status(), "firstSeq");
        long invisible = commitInvisibly("INSERT INTO a VALUES (1, 'T1')");
        traffic("a", 200, 14);
        stage.startSlave("early");
        stage.awaitApplied("early");
        JsonNode status = stage.waiting()
                .until(
                        "spool and queue are pruned as far as they may",
                        s -> s.path("master").path("spoolBytes").asLong() < 1 << 20 && queue(s, "firstSeq") > before);
        String shown = stage.admin("status").orThrow();

        stage.startSlave("late", "public.a");
        stage.awaitInSync("late", 1);
        assertEquals("1", countOnSlave("late", "a", 1), "T1 comes from the queue while the master does not show it");
        assertEquals("0", stage.masterValue("SELECT count(*) FROM a WHERE id = 1"));
        assertEquals(
                invisible - 1,
                dumpOf(stage.status(), "public.a").path("baseSeq").asLong());
        stage.releaseCommits();
        stage.assertEqualTables("early", "public.a");
        stage.assertEqualTables("late", "public.a");

        assertTrue(queue(status, "firstSeq") <= invisible, "nothing above V is pruned: " + status.path("queue"));
        assertEquals(invisible - 1, queue(status, "visibleSeq"));
        assertEquals(
                invisible - 1, heldBy(status, "master visibility").path("seq").asLong());
        assertTrue(shown.contains("held by what the master has not shown yet at " + (invisible - 1)), shown);
        forget("early");
        forget("late");
    }

    /** A dump is ordered; before its manifest arrives everything behind it is visible, applied and could be pruned. */
    @Test
    void r02ShouldKeepTheQueueForADumpThatIsOnItsWay() throws Exception {
        replicated("b", "first");
        dropDumps();
        stage.stopSlave("first");
        long ordered = captured("b", 100, 10);
        long before = queue(stage.status(), "firstSeq");
        JsonNode status;
        String shown;
        try (StepGate snapshot = StepGate.hold("dump.snapshot-taken")) {
            stage.waiting().until("all is visible", s -> queue(s, "visibleSeq") >= ordered);
            stage.startSlave("second", "public.b");
            snapshot.awaitArrival();
            long last = captured("b", 200, 14);
            stage.startSlave("first");
            stage.awaitApplied("first");
            status = stage.waiting()
                    .until(
                            "all is visible, and pruned as far as it may",
                            s -> queue(s, "visibleSeq") >= last && queue(s, "firstSeq") > before);
            shown = stage.admin("status").orThrow();
            assertTrue(queue(status, "firstSeq") <= ordered + 1, "kept for the dump: " + status.path("queue"));
            assertEquals(ordered, heldBy(status, "dump").path("seq").asLong());
        }
        String dump = heldBy(status, "dump").path("dump").asText();
        stage.awaitInSync("second", 1);
        stage.assertEqualTables("second", "public.b");
        stage.assertEqualTables("first", "public.b");
        assertEquals(dump, dumpOf(stage.status(), "public.b").path("id").asText(), "the first attempt was good");
        assertTrue(shown.contains("held by dump " + dump + " at "), shown);
        forget("first");
        forget("second");
    }

    /**
     * The queue's budget is stronger than V. A dump whose base would lie before the queue is not ordered, nor taken wrong:
     * it waits until the master shows T1. A capture whose spool is put back meanwhile, and that learns from the forwarder
     * only what the queue still holds, must not find T1 visible for lack of an entry.
     */
    @Test
    void r02ShouldLetDumpsWaitWhenTheBudgetPrunedWhatNobodySeesYet() throws Exception {
        replicated("c", "current");
        stage.stopCapture();
        Path spool = stage.cluster().data("capture");
        Path backup = spool.resolveSibling("capture-backup");
        Directories.copy(spool, backup);
        stage.startCapture();
        long invisible = commitInvisibly("INSERT INTO c VALUES (1, 'T1')");
        long backend = stage.session().number("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        traffic("c", 100, 80);
        stage.awaitApplied("current");
        stage.log().await("The queue's budget overrides what dumps may still need: new dumps wait");
        stage.waiting().until("T1 is pruned", status -> queue(status, "firstSeq") > invisible);
        int read = stage.log().matching("Dump was read").size();

        stage.startSlave("newcomer", "public.c");
        String waiting = stage.waiting()
                .until(
                        "the dump waits or is read",
                        status -> dumpOf(status, "public.c").hasNonNull("waitingFor")
                                || stage.log().matching("Dump was read").size() > read)
                .toString();
        String shown = stage.admin("status").orThrow();
        assertEquals(read, stage.log().matching("Dump was read").size(), "the master is not read in vain");

        stage.stopCapture();
        Directories.restore(backup, spool);
        stage.startCapture();
        stage.log().await("Going on with the forwarder's history at");
        String held = stage.waiting()
                .until(
                        "it is held or read",
                        status -> status.path("master")
                                        .path("waitingFor")
                                        .toString()
                                        .contains("dump of public.c")
                                || stage.log().matching("Dump was read").size() > read)
                .toString();
        stage.releaseCommits();
        stage.awaitInSync("newcomer", 1);
        stage.assertEqualTables("newcomer", "public.c");
        stage.awaitInSync("current", 1);
        stage.assertEqualTables("current", "public.c");

        assertTrue(held.contains("dump of public.c: pid " + backend), held);
        assertEquals(List.of(), stage.log().matching("is worthless"), "no dump was ordered in vain");
        String text = ", the master has shown only what was committed up to seq " + (invisible - 1)
                + ": dumps wait until everybody there sees the rest";
        assertTrue(waiting.contains(text), waiting);
        assertTrue(shown.contains(text + " (a synchronous standby that does not answer holds it back)"), shown);
        forget("newcomer");
        forget("current");
    }
}
