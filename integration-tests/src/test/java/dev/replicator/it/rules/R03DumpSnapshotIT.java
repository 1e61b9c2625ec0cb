package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.replicator.embedded.Await;
import dev.replicator.embedded.StepGate;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** R03: a dump holds what its snapshot saw, or it is none. */
class R03DumpSnapshotIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static Stage stage;

    @BeforeAll
    static void start() throws Exception {
        stage = Stage.open("CREATE TABLE first (id int PRIMARY KEY)").startMasterSide("public.*");
        stage.startSlave("s", "public.*");
        stage.awaitTableState("s", "public.first", "in-sync");
    }

    @AfterAll
    static void stop() throws Exception {
        stage.close();
    }

    /** The snapshot is taken; an ALTER rewrites the table; a COPY under the snapshot would find no row and no error. */
    @Test
    void r03ShouldNotTakeATableForEmptyThatWasRewrittenAfterTheSnapshot() throws Exception {
        try (StepGate gate = StepGate.hold("dump.marker-emitted")) {
            stage.onMaster(
                    "CREATE TABLE rewritten (id int PRIMARY KEY, v int)",
                    "INSERT INTO rewritten SELECT n, n FROM generate_series(1, 1000) n");
            gate.awaitArrival();
            stage.onMaster("ALTER TABLE rewritten ALTER v TYPE int USING v * 2");
        }
        assertReadAgain("public.rewritten", "public.rewritten was truncated or rewritten");
    }

    /** The same with a partition that is truncated: its rows were visible to the snapshot, the stream tells nothing. */
    @Test
    void r03ShouldNotReadARootOfWhichAPartitionWasTruncatedAfterTheSnapshot() throws Exception {
        try (StepGate gate = StepGate.hold("dump.marker-emitted")) {
            stage.onMaster("BEGIN; CREATE TABLE root (id int PRIMARY KEY) PARTITION BY RANGE (id);"
                    + " CREATE TABLE root_1 PARTITION OF root FOR VALUES FROM (0) TO (10);"
                    + " CREATE TABLE root_2 PARTITION OF root FOR VALUES FROM (10) TO (20);"
                    + " INSERT INTO root SELECT generate_series(0, 19); COMMIT");
            gate.awaitArrival();
            stage.onMaster("TRUNCATE root_1");
        }
        assertReadAgain("public.root", "public.root_1 was truncated or rewritten");
    }

    private static void assertReadAgain(String table, String what) throws Exception {
        String refused = stage.log().await("it changed after the snapshot was taken: " + what);
        assertTrue(refused.contains("Dump failed"), refused);
        // From the first moment at which anybody is told that the table is in sync it has every row.
        stage.awaitTableState("s", table, "in-sync");
        stage.assertSameRows("s", table);
        assertFailed("d-", "reading table " + table + ": it changed after the snapshot was taken: " + what);
    }

    /**
     * Half of a dump has come when capture dies with its snapshot; rows change; capture starts again. What was sent belongs
     * to another snapshot than what is read now.
     */
    @Test
    void r03ShouldStartAgainUnderANewIdWhenCaptureDiedInTheMiddle() throws Exception {
        Path staging = stage.cluster().data("capture").resolve("dumps");
        Path asKilled = stage.cluster().root().resolve("dumps-as-killed");
        String lost;
        try (StepGate gate = StepGate.hold("dump.table-read")) {
            lost = beginDump("cut", gate);
            Directories.copy(staging, asKilled);
            stage.stopCapture();
        }
        // What a killed process leaves behind: a draft and its chunks.
        Directories.restore(asKilled, staging);
        goOnAfter("cut", lost);
        assertFailed(lost, "capture was stopped while the dump was read");
    }

    /** The same when nothing of it is left at capture: the id is ordered again, the forwarder still has the first half. */
    @Test
    void r03ShouldNotContinueADumpUnderAnotherSnapshot() throws Exception {
        String lost;
        try (StepGate gate = StepGate.hold("dump.table-read")) {
            lost = beginDump("torn", gate);
            stage.stopCapture();
        }
        Directories.delete(stage.cluster().data("capture").resolve("dumps"));
        goOnAfter("torn", lost);
        assertFailed(lost, "capture took another snapshot under the same id");
    }

    private static void assertFailed(String dump, String why) {
        stage.log().await(why);
        String listed = stage.admin("dump", "list").orThrow();
        assertTrue(
                listed.lines()
                        .anyMatch(line -> line.startsWith(dump) && line.contains(" failed ") && line.contains(why)),
                listed);
    }

    /** A dump of 1000 rows, all of them at the forwarder and loaded by the slave, but not complete. */
    private static String beginDump(String table, StepGate gate) throws Exception {
        stage.onMaster(
                "CREATE TABLE " + table + " (id int PRIMARY KEY, v int)",
                "INSERT INTO " + table + " SELECT n, n FROM generate_series(1, 1000) n");
        gate.awaitArrival();
        Await.until(
                "the forwarder has the rows",
                PATIENCE,
                () -> dumpOf(table).path("rows").asInt() == 1000);
        String id = dumpOf(table).path("id").asText();
        // A slave may load what is there, beside; it is not in service before the dump is complete.
        Await.until("the slave has loaded them", PATIENCE, () -> "1000"
                .equals(stage.slaveValue(
                        "s",
                        "SELECT sum(row_count) FROM replicator.restore_chunk WHERE table_name = 'public." + table
                                + "'")));
        assertEquals(null, stage.slaveValue("s", "SELECT to_regclass('public." + table + "')"));
        return id;
    }

    private static void goOnAfter(String table, String lost) throws Exception {
        // No transaction brings all of these to a slave whose rows are from two snapshots.
        stage.onMaster(
                "UPDATE " + table + " SET v = v + 1 WHERE id % 2 = 0",
                "DELETE FROM " + table + " WHERE id <= 100",
                "INSERT INTO " + table + " VALUES (2000, 0)");
        stage.startCapture();
        stage.awaitTableState("s", "public." + table, "in-sync");
        stage.awaitEqual("s", "public." + table);
        assertNotEquals(
                lost,
                stage.table("public." + table).path("newestDump").path("id").asText());
    }

    private static JsonNode dumpOf(String table) throws IOException {
        for (JsonNode dump : stage.status().path("dumps")) {
            if (dump.path("table").asText().equals("public." + table)) {
                return dump;
            }
        }
        return MissingNode.getInstance();
    }
}
