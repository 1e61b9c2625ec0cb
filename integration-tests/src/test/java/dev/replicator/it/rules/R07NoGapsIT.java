package dev.replicator.it.rules;

import static dev.replicator.it.rules.Texts.assertContains;
import static dev.replicator.it.rules.Texts.awaitContains;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.embedded.Await;
import dev.replicator.embedded.StepGate;
import dev.replicator.queue.Lsn;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** R07: lost and restored disks at capture, forwarder and slave: no gap is ever passed over, and nobody waits for ever. */
class R07NoGapsIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private Stage stage;

    @BeforeEach
    void open() throws Exception {
        stage = Stage.open(
                        "CREATE TABLE t (id serial PRIMARY KEY, v text)",
                        "CREATE TABLE u (id int PRIMARY KEY)",
                        "CREATE TABLE hidden (v text)")
                .withSpool("segment-size: 64KiB");
    }

    @AfterEach
    void close() throws Exception {
        stage.close();
    }

    private void start(String extraYaml) throws Exception {
        stage.startForwarder();
        stage.defineCapture(extraYaml, "public.t", "public.u");
        stage.startCapture();
        stage.startSlave("s", "public.t");
        stage.awaitInSync("s", 1);
        insert(1);
        stage.awaitApplied("s");
    }

    /** Transactions of some length, one row each. */
    private void insert(int transactions) throws Exception {
        for (int i = 0; i < transactions; i++) {
            stage.onMaster("INSERT INTO t (v) SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 200)");
        }
    }

    /** The slave is away while the forwarder gets, and capture forgets, what it does not have. */
    private void passTheSlave() throws Exception {
        stage.stopSlave("s");
        insert(40);
        Await.until(
                "capture has forgotten what the forwarder holds",
                PATIENCE,
                () -> stage.disks().queueOf("capture").firstSeq() > 10);
        stage.stopCapture();
        stage.stopForwarder();
    }

    @Test
    void r07ShouldSendASlaveBehindALostForwarderToResyncAndNeverTheNextRecordThereIs() throws Exception {
        start("");
        passTheSlave();
        stage.disks().lose("forwarder");
        stage.startForwarder();
        stage.startSlave("s");

        // An empty forwarder knows no history: it says so and nothing else.
        stage.awaitSlave("s", "connecting", "not-yet: no capture has connected yet");
        awaitContains(
                () -> stage.admin("status").orThrow(), "master capture-away", "not-yet: no capture has connected yet");

        assertEquals("1", stage.slaveValue("s", "SELECT seq FROM replicator.progress"));
        stage.startCapture();
        String told = stage.log().await("Lane refused: needs-resync");
        assertTrue(told.contains("transaction 2 of epoch 1 is no longer in the queue"), told);
        stage.awaitInSync("s", 1);
        stage.assertEqualTables("s", "public.t");
    }

    @Test
    void r07ShouldBeginAnewWhenTheForwardersOldBackupEndsBeforeCapturesFirstRecord() throws Exception {
        start("");
        stage.stopCapture();
        stage.stopForwarder();
        Path old = stage.disks().copyOf("forwarder");
        stage.startForwarder();
        stage.startCapture();
        passTheSlave();
        stage.disks().putBack("forwarder", old);
        stage.startForwarder();
        stage.startCapture();
        String told = stage.log().await("This queue ends before capture's first record: it begins anew there");
        assertTrue(told.contains("seq 1 at"), told);
        stage.startSlave("s");
        stage.log().await("Lane refused: needs-resync");
        stage.awaitInSync("s", 1);
        stage.assertEqualTables("s", "public.t");
    }

    /** Capture goes on as it was; to it, the dumps of the new forwarder have the numbers of those it has made. */
    @Test
    void r07ShouldMakeDumpsForAForwarderWhoseNumbersBeginAgain() throws Exception {
        start("");
        stage.stopForwarder();
        stage.disks().lose("forwarder");
        stage.startForwarder();
        stage.startSlave("other", "public.t", "public.u");
        stage.awaitInSync("other", 2);
        stage.assertEqualTables("other", "public.t", "public.u");
        stage.assertEqualTables("s", "public.t");
    }

    /** The slot still stands before seq 1 when capture's disk is lost. */
    @Test
    void r07ShouldTakeOverTheForwardersHistoryFromItsVeryBeginning() throws Exception {
        try (StepGate acknowledging = StepGate.hold("forwarder.records-durable")) {
            start("confirm: forwarder\n");
            insert(2);
            stage.awaitApplied("s");
            assertTrue(acknowledging.hasArrival());
            long first = Lsn.parse(stage.slaveValue("s", "SELECT position FROM replicator.progress"));
            assertTrue(Lsn.parse(stage.confirmedLsn()) < first, "nothing was confirmed");
            stage.stopCapture();
            stage.disks().lose("capture");
        }
        String epoch = stage.slaveValue("s", "SELECT epoch_id FROM replicator.progress");
        stage.startCapture();
        stage.log().await("Going on with the forwarder's history at epoch 1 seq 3");
        insert(1);
        stage.assertEqualTables("s", "public.t");
        assertEquals("4", stage.slaveValue("s", "SELECT seq FROM replicator.progress"));
        assertEquals(epoch, stage.slaveValue("s", "SELECT epoch_id FROM replicator.progress"));
    }

    @Test
    void r07ShouldStopWhenTheSlotIsPastWhatTheForwarderHolds() throws Exception {
        start("");
        stage.stopForwarder();
        insert(2);
        stage.awaitConfirmed(stage.masterValue("SELECT pg_current_wal_lsn()"));
        stage.stopCapture();
        stage.disks().lose("capture");
        stage.startForwarder();
        stage.startCapture();
        String stops = stage.log().await("Capture stops");
        assertTrue(stops.contains("the forwarder holds everything up to"), stops);
        assertTrue(stops.contains("the master may have forgotten what lies before"), stops);
        assertTrue(stops.contains("--new-epoch"), stops);
        stage.stopCapture();
        assertTrue(stage.beginNewEpoch().contains("Begun: epoch 2 seq 1 at"));
        stage.startCapture();
        stage.awaitInSync("s", 1);
        stage.assertEqualTables("s", "public.t");
    }

    /** Twice: the second time the slave follows epoch 2, and everything above it begins with epoch 1 again. */
    @Test
    void r07ShouldBeginANewEpochOnlyByCommandWhenAllIsLostButTheSlave() throws Exception {
        start("");
        stage.stopCapture();
        stage.beginNewEpoch();
        stage.startCapture();
        stage.awaitInSync("s", 1);
        insert(2);
        stage.assertEqualTables("s", "public.t");
        assertEquals("2", stage.slaveValue("s", "SELECT epoch FROM replicator.progress"));
        // The table set of now stands behind more transactions than any that is told in the history to come.
        grantWithUAndWithout();
        stage.stopCapture();
        stage.stopForwarder();
        stage.disks().lose("capture");
        stage.disks().lose("forwarder");
        stage.startForwarder();
        stage.startCapture();
        String stops = stage.log().await("there is no history here nor at the forwarder");
        assertTrue(stops.contains("has moved to") && stops.contains("--new-epoch"), stops);
        stage.awaitSlave("s", "connecting", "no capture has connected yet");
        stage.stopCapture();
        String printed = stage.beginNewEpoch();
        assertTrue(printed.contains("Unknown: every change of the master from the beginning up to now"), printed);
        stage.startCapture();
        stage.awaitInSync("s", 1);
        insert(1);
        stage.assertEqualTables("s", "public.t");
        assertEquals("1", stage.slaveValue("s", "SELECT epoch FROM replicator.progress"));
        // Numbers began again; a table set told now is not taken for an older one.
        stage.cluster().grant("s", java.util.List.of("public.t", "public.u"));
        stage.admin("reload").orThrow();
        stage.onMaster("INSERT INTO u VALUES (1)");
        stage.awaitInSync("s", 2);
        stage.assertEqualTables("s", "public.t", "public.u");
    }

    private void grantWithUAndWithout() throws Exception {
        stage.cluster().grant("s", java.util.List.of("public.t", "public.u"));
        stage.admin("reload").orThrow();
        stage.awaitInSync("s", 2);
        stage.cluster().grant("s", java.util.List.of("public.t"));
        stage.admin("reload").orThrow();
        stage.awaitInSync("s", 1);
    }

    /** Two histories that both are "epoch 2": begun twice from one backup of capture's disk, the forwarder away. */
    @Test
    void r07ShouldTellTwoEpochsOfOneNumberApart() throws Exception {
        start("");
        stage.stopCapture();
        Path spool = stage.disks().copyOf("capture");
        stage.stopForwarder();
        assertTrue(stage.beginNewEpoch().contains("Begun: epoch 2 "));
        stage.startForwarder();
        stage.startCapture();
        stage.awaitInSync("s", 1);
        String first = stage.slaveValue("s", "SELECT epoch_id FROM replicator.progress");
        stage.stopCapture();
        stage.stopForwarder();
        stage.disks().putBack("capture", spool);
        assertTrue(stage.beginNewEpoch().contains("Begun: epoch 2 "));
        insert(1);
        stage.startForwarder();
        stage.startCapture();
        String refused = stage.log().await("Refused capture: capture is in epoch 2");
        assertTrue(refused.contains("this forwarder is in epoch 2"), refused);
        String error = stage.waiting()
                .until(
                        "status says so",
                        status -> status.path("master").path("error").asText().contains("not a continuation"))
                .path("master")
                .path("error")
                .asText();
        assertContains(
                error, "run 'replicator capture --config FILE --new-epoch' once capture and forwarder are connected");
        assertEquals(first, stage.slaveValue("s", "SELECT epoch_id FROM replicator.progress"));
        stage.stopCapture();
        assertTrue(stage.beginNewEpoch().contains("Begun: epoch 3 "));
        stage.startCapture();
        stage.awaitInSync("s", 1);
        stage.assertEqualTables("s", "public.t");
        assertNotEquals(first, stage.slaveValue("s", "SELECT epoch_id FROM replicator.progress"));
        for (JsonNode dump : stage.status().path("dumps")) {
            boolean retired = !dump.path("state").asText().equals("complete");
            assertTrue(retired || dump.path("baseSeq").asLong() >= 1, dump.toString());
        }
    }

    /** The forwarder does not have what capture has when continuity is lost. */
    @Test
    void r07ShouldBeginANewEpochOverRecordsThatWereNeverSent() throws Exception {
        start("");
        stage.stopForwarder();
        insert(3);
        stage.disks().awaitTail("capture", 4);
        stage.stopCapture();
        stage.onMaster("SELECT pg_drop_replication_slot('replicator_shop')");
        insert(1);
        stage.startForwarder();
        stage.startCapture();
        String error = stage.awaitCaptureStopped();
        assertTrue(error.contains("replication slot replicator_shop does not exist"), error);
        assertTrue(error.contains("everything after epoch 1 seq 4 at"), error);
        assertTrue(error.contains("--new-epoch"), error);
        stage.stopCapture();
        assertTrue(stage.beginNewEpoch().contains("Begun: epoch 2 seq 4 at"));
        stage.startCapture();
        insert(1);
        // Not by "in sync", which the old epoch's tables still are until the slave has heard of the new one.
        stage.awaitSlaveValue("s", "SELECT count(*)::text FROM t", "6");
        stage.assertEqualTables("s", "public.t");
        assertEquals("5", stage.slaveValue("s", "SELECT seq FROM replicator.progress"), "no number is used twice");
    }

    /** The position is in the slave's database; the forwarder's cursor is a copy that goes back with it. */
    @Test
    void r07ShouldGoOnFromWhereARestoredSlaveDatabaseStands() throws Exception {
        start("");
        stage.admin("slave", "pause", "s").orThrow();
        stage.awaitSlave("s", "paused", "");
        stage.stopSlave("s");
        stage.backUpSlave("s");
        stage.startSlave("s");
        stage.admin("slave", "resume", "s").orThrow();
        insert(5);
        stage.onMaster("UPDATE t SET v = 'changed' WHERE id = 1", "DELETE FROM t WHERE id = 2");
        stage.assertEqualTables("s", "public.t");
        stage.waiting().until("the forwarder knows", status -> applied(status) == 8);
        stage.stopSlave("s");
        stage.putSlaveBack("s");
        stage.startSlave("s");
        // The backup is one of a paused slave.
        stage.waiting().until("the cursor follows", status -> applied(status) == 1);
        assertEquals("1", stage.slaveValue("s", "SELECT count(*)::text FROM t"));
        stage.admin("slave", "resume", "s").orThrow();
        stage.assertEqualTables("s", "public.t");
        assertEquals("0", stage.slaveValue("s", "SELECT count(*)::text FROM replicator.conflict"));
        assertFalse(stage.log().lines().stream().anyMatch(line -> line.contains("needs-resync")));
    }

    /** Orders that waited for somebody are gone with the index; whoever needs a dump asks again. */
    @Test
    void r07ShouldLeaveNobodyWaitingWhenTheForwardersIndexIsLost() throws Exception {
        start("");
        stage.stopCapture();
        stage.startSlave("other", "public.t", "public.u");
        stage.waiting()
                .until("dumps are asked for", status -> status.path("dumps").size() >= 2);
        stage.stopSlave("s");
        stage.admin("slave", "resync", "s", "--table", "public.t").orThrow();
        stage.stopForwarder();
        Directories.delete(stage.cluster().data("forwarder").resolve("queue/index"));
        stage.startForwarder();
        stage.startSlave("s");
        stage.startCapture();
        stage.awaitInSync("other", 2);
        stage.awaitInSync("s", 1);
        insert(1);
        stage.assertEqualTables("other", "public.t", "public.u");
        stage.assertEqualTables("s", "public.t");
    }

    private static long applied(JsonNode status) {
        return status.path("slaves").path(0).path("appliedSeq").asLong();
    }
}
