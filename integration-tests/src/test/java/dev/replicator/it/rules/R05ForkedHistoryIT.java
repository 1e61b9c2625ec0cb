package dev.replicator.it.rules;

import static dev.replicator.it.rules.Texts.awaitContains;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** R05: what the server sends again must be what was captured; a master whose disk was put back is recognised. */
class R05ForkedHistoryIT {
    private Stage stage;

    @BeforeEach
    void open() throws Exception {
        stage = Stage.on(SharedServers.restorable(), "CREATE TABLE t (id int PRIMARY KEY, v text)");
        stage.startMasterSide("public.t");
        stage.startSlave("s", "public.t");
        stage.awaitInSync("s", 1);
        stage.onMaster("INSERT INTO t VALUES (1)");
        stage.awaitApplied("s");
    }

    @AfterEach
    void close() throws Exception {
        stage.close();
    }

    /** The slave has what the master wrote after R; the master's disk is that of R again. Capture is down. */
    private void rollMasterBack(String... lost) throws Exception {
        Path copy = stage.disks().copyOfMaster();
        stage.onMaster(lost);
        stage.awaitApplied("s");
        stage.stopCapture();
        stage.disks().putMasterBack(copy);
    }

    @Test
    void r05ShouldStopWhenTheRestoredMasterWroteOtherTransactionsBelowTheTail() throws Exception {
        rollMasterBack("INSERT INTO t VALUES (2)");
        // Other transactions at the places of the lost one, and on beyond it.
        stage.onMaster(
                "INSERT INTO t VALUES (3)", "INSERT INTO t SELECT n, repeat('x', 900) FROM generate_series(4, 999) n");
        stage.startCapture();

        String error = stage.awaitCaptureStopped();

        assertTrue(error.contains("its history is not the one we captured"), error);
        assertTrue(error.contains("seq 2"), error);
        assertTrue(error.contains("Everything after seq 1 is unknown"), error);
        assertTrue(error.contains("replicator capture --config FILE --new-epoch"), error);
        awaitContains(
                () -> stage.admin("status").orThrow(),
                "master stopped, at ",
                "its history is not the one we captured",
                "replicator capture --config FILE --new-epoch");
        assertEquals("1,2", slaveIds(), "nothing of the other history was applied, the old rows stay");
        // As a process it would have ended: who asks later is told the same.
        stage.stopCapture();
        assertTrue(
                stage.status().path("master").path("error").asText().contains("--new-epoch"),
                stage.status().toString());

        String printed = stage.beginNewEpoch();

        assertTrue(printed.contains("Unknown: every change of the master from epoch 1 seq 2 at "), printed);
        stage.startCapture();
        stage.awaitInSync("s", 1);
        stage.assertEqualTables("s", "public.t");
    }

    @Test
    void r05ShouldStopWhenTheRestoredMasterWroteTheSameAgain() throws Exception {
        String same = "INSERT INTO t VALUES (2, 'the same')";
        rollMasterBack(same);
        stage.onMaster(same, "INSERT INTO t VALUES (3)");
        stage.startCapture();

        String error = stage.awaitCaptureStopped();

        assertTrue(error.contains("its history is not the one we captured"), error);
        assertEquals("1,2", slaveIds());
    }

    @Test
    void r05ShouldSayAtOnceThatTheMastersLogEndsBeforeTheTail() throws Exception {
        rollMasterBack("INSERT INTO t SELECT n, repeat('x', 900) FROM generate_series(2, 999) n");
        stage.startCapture();

        String error = stage.awaitCaptureStopped();

        assertTrue(error.contains("it went back in time"), error);
        assertTrue(error.contains("--new-epoch"), error);
        assertEquals("999", stage.slaveValue("s", "SELECT count(*)::text FROM t"));
    }

    /** The server loses what it had noted of the slot since its last checkpoint, and nothing else. */
    @Test
    void r05ShouldDropWhatAnHonestServerSendsAgain() throws Exception {
        stage.onMaster("CHECKPOINT", "INSERT INTO t VALUES (2)", "UPDATE t SET v = 'changed' WHERE id = 1");
        stage.awaitApplied("s");
        String before = stage.slaveValue("s", "SELECT seq FROM replicator.progress");
        SharedServers.restorable().kill9();
        SharedServers.restorable().startAgain();
        stage.onMaster("INSERT INTO t VALUES (3)");

        stage.waiting().until("capture reads again", status -> status.path("master")
                .path("connected")
                .asBoolean());
        stage.assertEqualTables("s", "public.t");
        assertEquals(
                Long.parseLong(before) + 1,
                Long.parseLong(stage.slaveValue("s", "SELECT seq FROM replicator.progress")));
        assertEquals("0", stage.slaveValue("s", "SELECT count(*)::text FROM replicator.conflict"));
        assertTrue(stage.log().matching("Capture stops").isEmpty());
    }

    private String slaveIds() throws Exception {
        return stage.slaveValue("s", "SELECT string_agg(id::text, ',' ORDER BY id) FROM t");
    }
}
