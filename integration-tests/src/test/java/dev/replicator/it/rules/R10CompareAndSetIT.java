package dev.replicator.it.rules;

import static dev.replicator.it.rules.Texts.assertContains;
import static dev.replicator.it.rules.Texts.awaitContains;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.embedded.Await;
import dev.replicator.embedded.StepGate;
import dev.replicator.it.RecordingProxy;
import dev.replicator.launcher.local.DaemonProcess;
import dev.replicator.launcher.local.StatusWait;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * R10: positions are compared and set. Rows of a table without a key are what would come twice; a position that is only
 * written is what would go back.
 */
class R10CompareAndSetIT {
    private static final String[] TABLES = {"public.keyed", "public.keyless"};
    private static final String SCHEMA =
            """
            CREATE TABLE keyed (id int PRIMARY KEY, v int);
            CREATE TABLE keyless (v int);
            ALTER TABLE keyless REPLICA IDENTITY FULL;
            INSERT INTO keyed VALUES (1, 0);
            INSERT INTO keyless VALUES (0);
            """;
    private static Stage stage;

    @BeforeAll
    static void open() throws Exception {
        stage = Stage.open(SCHEMA).startMasterSide("public.*");
    }

    @AfterAll
    static void close() throws Exception {
        stage.close();
    }

    private static void write(int from, int to) throws Exception {
        for (int i = from; i <= to; i++) {
            stage.onMaster("BEGIN", "UPDATE keyed SET v = " + i, "INSERT INTO keyless VALUES (" + i + ")", "COMMIT");
        }
    }

    private static long position(String slave) throws Exception {
        return Long.parseLong(stage.slaveValue(slave, "SELECT seq FROM replicator.progress"));
    }

    /**
     * Daemon A has read position P and taken a batch; then it does not run any more. Its lock session is lost. B starts at P
     * and applies that batch and more. A goes on: its first statement hits no row, and it does nothing.
     */
    @Test
    void r10ShouldDoNothingWhenAStoppedDaemonGoesOnBehindItsSuccessor() throws Exception {
        stage.startSlave("a", TABLES);
        stage.awaitInSync("a", 2);
        try (StepGate batch = StepGate.holdFirst("lane.batch-taken");
                StepGate looks = StepGate.holdFirst("slave.looks")) {
            write(1, 10);
            batch.awaitArrival();
            looks.awaitArrival();
            long start = position("a");
            stage.onSlave(
                    "a",
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
                            + " AND application_name = 'replicator slave a'");
            stage.startSecondDaemon("a");
            write(11, 50);
            stage.assertEqualTables("a", TABLES);
            long reached = position("a");
            assertTrue(reached >= start + 50, start + " to " + reached);
            batch.release();
            stage.log().await("lane main is no longer at");
            looks.release();
            // The one that has the lock goes on; the other one says whom it waits for.
            stage.log().await("another daemon of slave a works on");
            write(51, 60);
            stage.assertEqualTables("a", TABLES);
            assertTrue(position("a") >= reached + 10, "the position never goes back");
            stage.awaitInSync("a", 2);
        }
        stage.stopSlave("a-second");
        stage.stopSlave("a");
    }

    /**
     * A process is stopped by SIGSTOP while its transaction waits for a row. Its successor must not begin; what to do is
     * said. When the sessions are ended it begins; the first daemon, continued, waits, and takes over again later.
     */
    @Test
    void r10ShouldKeepASuccessorOutWhileAStoppedDaemonHoldsItsTransaction() throws Exception {
        stage.defineSlave("b", "", TABLES);
        DaemonProcess first = stage.cluster().slave("b").daemon();
        first.start();
        stage.awaitInSync("b", 2);
        Session reader = stage.slaveSession("b").run("BEGIN", "SELECT FROM keyed WHERE id = 1 FOR UPDATE");
        write(101, 105);
        stage.awaitSlaveValue(
                "b",
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'replicator slave b lane main'"
                        + " AND cardinality(pg_blocking_pids(pid)) > 0");
        signal(first, "STOP");
        long stopped = position("b");
        stage.startSecondDaemon("b");
        JsonNode status = stage.waiting()
                .until("status names the daemon that is waited for", now -> StatusWait.slaveOf(now, "b")
                        .path("error")
                        .asText()
                        .contains("another daemon of slave b"));
        String said = StatusWait.slaveOf(status, "b").path("error").asText();
        assertTrue(said.contains("(pid ") && said.contains("; waiting until it ends"), said);
        reader.run("COMMIT");
        write(106, 110);
        assertEquals(stopped, position("b"), "nothing moves while the stopped daemon holds the lock");
        stage.onSlave("b", said.substring(said.indexOf("SELECT pg_terminate_backend"), said.indexOf("%'") + 2));
        stage.assertEqualTables("b", TABLES);
        signal(first, "CONT");
        Await.until("the first daemon waits for the lock", Duration.ofSeconds(60), () -> Files.readString(first.log())
                .contains("another daemon of slave b works on"));
        write(111, 115);
        stage.assertEqualTables("b", TABLES);
        stage.stopSlave("b-second");
        write(116, 120);
        stage.assertEqualTables("b", TABLES);
        assertEquals("1", stage.slaveValue("b", "SELECT max(n) FROM (SELECT count(*) n FROM keyless GROUP BY v) c"));
        first.stop();
    }

    /**
     * The connection is lost while COMMIT is under way. The daemon connects again and reads the old position, since the old
     * backend has not finished; it must wait for it and begin behind what that one commits.
     */
    @Test
    void r10ShouldReadThePositionAgainWhenTheConnectionIsLostDuringCommit() throws Exception {
        stage.defineSlave("c", "", TABLES);
        try (RecordingProxy proxy = new RecordingProxy(stage.targetAddress())) {
            stage.routeToTarget("c", proxy.address());
            stage.startSlave("c");
            stage.awaitInSync("c", 2);
            stage.awaitApplied("c");
            long start = position("c");
            try (CommitHold hold = new CommitHold(stage, "c", "public.keyless")) {
                write(201, 210);
                loseConnectionDuringCommit(proxy, hold);
                assertEquals(start, position("c"), "the old backend has not committed");
                stage.waiting().until("status names the old backend", status -> Stage.tableOf(status, "c", TABLES[1])
                        .path("blockedBy")
                        .asText()
                        .startsWith("pid "));
                awaitContains(
                        () -> stage.admin("status").orThrow(), "BLOCKED BY", "public.keyless in-sync", " main pid ");
                hold.release();
                assertContains(stage.log().await("lane main is no longer at"), "; reading it again");
                stage.assertEqualTables("c", TABLES);
            }
            stage.stopSlave("c");
        }
    }

    /** The same in a side lane, which brings a table up to date after its dump was loaded in place. */
    @Test
    void r10ShouldCompareTheSideLanesPositionToo() throws Exception {
        stage.defineSlave("d", "", TABLES);
        stage.onSlave("d", "CREATE TABLE keyless (v int)");
        try (RecordingProxy proxy = new RecordingProxy(stage.targetAddress());
                StepGate loaded = StepGate.hold("restore.lane-written")) {
            stage.routeToTarget("d", proxy.address());
            stage.startSlave("d");
            loaded.awaitArrival();
            long before = stage.status().path("queue").path("lastSeq").asLong();
            write(301, 310);
            // A side lane that stands where the main lane stands joins at once, and has nothing to commit.
            Await.until(
                    "the main lane is behind what was written",
                    Duration.ofSeconds(60),
                    () -> position("d") >= before + 10);
            try (CommitHold hold = new CommitHold(stage, "d", "public.keyless")) {
                loaded.release();
                loseConnectionDuringCommit(proxy, hold);
                assertEquals("1", stage.slaveValue("d", "SELECT count(*) FROM replicator.lane"));
                hold.release();
                stage.log().await("lane restore-1 is no longer at");
                stage.awaitInSync("d", 2);
            }
            stage.assertEqualTables("d", TABLES);
            stage.stopSlave("d");
        }
    }

    /** Cuts the client off its backend, and waits until a new session waits for what that backend holds. */
    private static void loseConnectionDuringCommit(RecordingProxy proxy, CommitHold hold) throws IOException {
        String backend = hold.awaitCommit();
        proxy.cut();
        String slave = hold.slave();
        stage.awaitSlaveValue(
                slave, "SELECT pid FROM pg_stat_activity WHERE " + backend + " = ANY (pg_blocking_pids(pid))");
    }

    private static void signal(DaemonProcess daemon, String name) throws IOException, InterruptedException {
        assertEquals(
                0,
                new ProcessBuilder("kill", "-" + name, Long.toString(daemon.pid()))
                        .inheritIO()
                        .start()
                        .waitFor());
    }
}
