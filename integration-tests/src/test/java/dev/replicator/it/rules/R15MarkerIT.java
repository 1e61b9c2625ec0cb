package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.replicator.embedded.Await;
import dev.replicator.embedded.StepGate;
import dev.replicator.queue.Lsn;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * R15: the marker that is committed right after a snapshot makes what the snapshot saw durable, tells in the stream where
 * the snapshot was taken, and completes the dump. On a server of its own, which is killed.
 */
class R15MarkerIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int PAGE = 8192;
    private static final int PAGE_HEADER = 24;
    /** What a message of this prefix takes in the log beside its text, once it is long. */
    private static final int MESSAGE_OVERHEAD = 57;

    private static final int MESSAGE_MIN = 300;

    private static Stage stage;

    @BeforeAll
    static void start() throws Exception {
        stage = Stage.withOwnMaster(
                Map.of("bgwriter_lru_maxpages", "0", "checkpoint_timeout", "1h"),
                "CREATE TABLE other (id int PRIMARY KEY)");
        stage.startMasterSide("public.*");
    }

    @AfterAll
    static void stop() throws Exception {
        stage.close();
    }

    private static void captured(String table) throws Exception {
        Await.until(table + " is captured", PATIENCE, () -> stage.admin("tables")
                .orThrow()
                .lines()
                .anyMatch(line -> line.matches("public\\." + table + " +1 .*")));
    }

    private static JsonNode dumpOf(JsonNode status, String table) {
        for (JsonNode dump : status.path("dumps")) {
            if (dump.path("table").asText().equals(table)
                    && !dump.path("state").asText().equals("failed")) {
                return dump;
            }
        }
        return MissingNode.getInstance();
    }

    private static JsonNode awaitComplete(String table) {
        return dumpOf(
                stage.waiting().until("the dump is complete", status -> dumpOf(status, table)
                        .path("state")
                        .asText()
                        .equals("complete")),
                table);
    }

    // a) what the dump holds is on the master's disk

    /** A commit with synchronous_commit = off, visible and in no file yet: nobody but the marker will flush the log. */
    private static void commitInMemoryOnly(String table) throws Exception {
        String writer = stage.masterValue("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'");
        assertEquals(0, new ProcessBuilder("kill", "-STOP", writer).start().waitFor());
        Session session = stage.session().run("SET synchronous_commit = off", "INSERT INTO " + table + " VALUES (1)");
        assertEquals("t", session.value("SELECT pg_current_wal_flush_lsn() < pg_current_wal_insert_lsn()"));
    }

    private static void crash() throws Exception {
        stage.masterServer().kill9();
        stage.masterServer().startAgain();
    }

    /** T1 is visible to the dump, not flushed; the dump becomes complete; the master crashes: T1 must still be there. */
    @Test
    void r15ShouldFlushWhatADumpHoldsBeforeTheDumpIsComplete() throws Exception {
        stage.onMaster("CREATE TABLE kept (id int PRIMARY KEY)");
        captured("kept");
        commitInMemoryOnly("kept");
        stage.admin("dump", "request", "--table", "public.kept").orThrow();
        JsonNode dump = awaitComplete("public.kept");
        crash();
        assertEquals(
                dump.path("rows").asText(), stage.masterValue("SELECT count(*) FROM kept"), "rows of a complete dump");
        stage.startSlave("kept", "public.kept");
        stage.awaitInSync("kept", 1);
        stage.assertEqualTables("kept", "public.kept");
        stage.stopSlave("kept");
    }

    /** The master crashes between snapshot and marker: T1 never was, and the dump that saw it is not taken. */
    @Test
    void r15ShouldThrowAwayASnapshotWhoseMasterCrashedBeforeItsMarker() throws Exception {
        stage.onMaster("CREATE TABLE lost (id int PRIMARY KEY)");
        captured("lost");
        String first;
        try (StepGate snapshot = StepGate.hold("dump.snapshot-taken")) {
            commitInMemoryOnly("lost");
            stage.startSlave("lost", "public.lost");
            snapshot.awaitArrival();
            first = dumpOf(stage.status(), "public.lost").path("id").asText();
            crash();
        }
        assertEquals("0", stage.masterValue("SELECT count(*) FROM lost"), "the crash has taken T1");
        stage.awaitInSync("lost", 1);
        stage.assertEqualTables("lost", "public.lost");
        assertTrue(
                stage.log().matching("Dump failed, it is asked for again").stream()
                        .anyMatch(line -> line.contains('"' + first + '"')),
                "the first dump: " + stage.log().matching("Dump"));
        stage.stopSlave("lost");
    }

    // b) a log that ends exactly at a page

    private static long logEnd(Session session) throws Exception {
        return Lsn.parse(session.value("SELECT pg_current_wal_insert_lsn()"));
    }

    /** Writes padding until the log ends so many bytes before the end of a page. */
    private static void padLog(Session session, long beforePageEnd) throws Exception {
        while (true) {
            long left = PAGE - logEnd(session) % PAGE - beforePageEnd;
            if (left == 0) {
                return;
            }
            long length = left < MESSAGE_MIN ? PAGE / 2 : left;
            session.run(
                    "SELECT pg_logical_emit_message(false, 'pad', repeat('x', " + (length - MESSAGE_OVERHEAD) + "))");
        }
    }

    /** The mark's own commit ends exactly at a page: flushed and sent stop there, the insert position is behind the header. */
    @Test
    void r15ShouldAnswerWaitWhenTheMastersLogEndsAtAPage() throws Exception {
        stage.onMaster("CREATE TABLE page (id int PRIMARY KEY)");
        stage.startSlave("page", "public.page");
        stage.awaitInSync("page", 1);
        Session session = stage.session();
        // The server itself writes now and then: again, until nothing came between.
        for (int attempt = 0; logEnd(session) % PAGE != PAGE_HEADER; attempt++) {
            assertTrue(attempt < 10, "the log's end could not be placed");
            padLog(session, PAGE - 1000);
            long before = logEnd(session);
            stage.awaitApplied("page");
            padLog(session, logEnd(session) - before);
            stage.awaitApplied("page");
        }
        assertEquals(
                logEnd(session) - PAGE_HEADER,
                Lsn.parse(session.value("SELECT pg_current_wal_flush_lsn()")),
                "what a comparison of the two would wait for");
        stage.onMaster("INSERT INTO page VALUES (1)");
        stage.assertEqualTables("page", "public.page");
        stage.stopSlave("page");
    }

    // c) no dump is complete without its marker

    /** Everything of a dump has arrived but its marker, which capture has not read yet. */
    @Test
    void r15ShouldNotCompleteADumpBeforeItsMarkerIsInTheQueue() throws Exception {
        stage.onMaster("CREATE TABLE marked (id int PRIMARY KEY)", "INSERT INTO marked VALUES (1), (2)");
        captured("marked");
        JsonNode dump;
        String shown;
        String inService;
        try (StepGate marker = StepGate.hold("capture.marker-received")) {
            stage.startSlave("marked", "public.marked");
            marker.awaitArrival();
            dump = dumpOf(
                    stage.waiting()
                            .until(
                                    "the dump has arrived",
                                    status -> dumpOf(status, "public.marked").hasNonNull("waitingFor")
                                            || dumpOf(status, "public.marked")
                                                    .path("state")
                                                    .asText()
                                                    .equals("complete")),
                    "public.marked");
            shown = stage.admin("dump", "list").orThrow();
            inService = stage.slaveValue("marked", "SELECT to_regclass('public.marked')");
        }
        stage.awaitInSync("marked", 1);
        stage.assertEqualTables("marked", "public.marked");
        assertEquals("running", dump.path("state").asText());
        assertEquals(2, dump.path("rows").asInt());
        assertNull(inService, "not in service before the boundary can be settled");
        String text = "its marker, which capture has not read in the master's log yet";
        assertTrue(shown.contains(text), shown);
        stage.stopSlave("marked");
    }

    // d) the marker names the snapshot

    /**
     * Capture is stopped right after a marker and reads the group again: two snapshots of one dump, two markers. T2 lies
     * between, and an older commit that nobody sees keeps the base below both. If the first marker settled the second
     * snapshot's boundary, T2 would be applied to a dump that holds it.
     */
    @Test
    void r15ShouldNotSettleASnapshotByTheMarkerOfAnEarlierOne() throws Exception {
        stage.onMaster("CREATE TABLE twice (v int)", "ALTER TABLE twice REPLICA IDENTITY FULL");
        captured("twice");
        commitInvisibly("INSERT INTO other VALUES (1)");
        Session local = stage.session().run("SET synchronous_commit = local");
        String first;
        try (StepGate marker = StepGate.hold("dump.marker-emitted")) {
            stage.startSlave("twice", "public.twice");
            marker.awaitArrival();
            first = dumpOf(stage.status(), "public.twice").path("id").asText();
            stage.stopCapture();
        }
        local.run("INSERT INTO twice VALUES (1)");
        stage.startCapture();
        stage.awaitInSync("twice", 1);
        assertEquals("1", stage.slaveValue("twice", "SELECT count(*) FROM twice"), "the row of the dump, once");
        assertEquals(first, dumpOf(stage.status(), "public.twice").path("id").asText(), "one dump, two snapshots");
        stage.releaseCommits();
        stage.assertEqualTables("twice", "public.twice");
        stage.stopSlave("twice");
    }

    private static void commitInvisibly(String insert) throws Exception {
        stage.holdCommits();
        long before = stage.status().path("queue").path("lastSeq").asLong();
        stage.session().start(insert);
        stage.waiting()
                .until(
                        "it is captured",
                        status -> status.path("queue").path("lastSeq").asLong() > before);
    }

    // e) a marker that comes alone is committed where the lane has passed to

    /**
     * T2 is in the dump and behind its base; the side lane passes over it, which it does not store. Then the marker comes
     * alone: the boundary goes in a transaction that must store a position behind T2, for the lane dies right after it
     * and T2 comes again without a boundary otherwise.
     */
    @Test
    void r15ShouldSettleABoundaryWhereTheLaneHasPassedTo() throws Exception {
        stage.onMaster("CREATE TABLE alone (v int)", "ALTER TABLE alone REPLICA IDENTITY FULL");
        captured("alone");
        commitInvisibly("INSERT INTO other VALUES (2)");
        stage.session().run("SET synchronous_commit = local", "INSERT INTO alone VALUES (1)");
        StepGate ready = StepGate.hold("lane.ready", "lane-restore-");
        StepGate passed = StepGate.hold("lane.passed", "lane-restore-");
        StepGate marker = StepGate.hold("lane.marker-decoded", "decode-restore-");
        StepGate crash = StepGate.fail(
                "lane.batch-committed", "lane-restore-", () -> new IllegalStateException("the daemon dies here"));
        try (ready;
                passed;
                marker;
                crash) {
            stage.startSlave("alone", "public.alone");
            // The decoder has handed over everything before the marker, the lane has taken nothing yet.
            marker.awaitArrival();
            ready.awaitArrival();
            ready.release();
            passed.awaitArrival();
            marker.release();
            Await.until("the marker is handed over", PATIENCE, () -> Thread.getAllStackTraces().entrySet().stream()
                    .noneMatch(thread -> thread.getKey().getName().startsWith("decode-restore-")
                            && Arrays.stream(thread.getValue())
                                    .anyMatch(frame -> frame.getMethodName().equals("marker"))));
            passed.release();
            crash.awaitArrival();
        }
        stage.awaitInSync("alone", 1);
        assertEquals("1", stage.slaveValue("alone", "SELECT count(*) FROM alone"), "the row of the dump, once");
        stage.releaseCommits();
        stage.assertEqualTables("alone", "public.alone");
        stage.stopSlave("alone");
    }
}
