package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.embedded.Await;
import dev.replicator.embedded.StepGate;
import dev.replicator.launcher.local.AdminResult;
import dev.replicator.queue.Lsn;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** R20: a place where nothing came by for us is confirmed only once it is on record where {@code confirm} asks. */
class R20IdlePositionsIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String NOT_OURS = "INSERT INTO hidden SELECT repeat('x', 500) FROM generate_series(1, 500)";

    private Stage stage;

    @BeforeEach
    void open() throws Exception {
        stage = Stage.open("CREATE TABLE t (id int PRIMARY KEY, v text)", "CREATE TABLE hidden (v text)")
                .withSpool("large-transaction: 256KiB");
        stage.startForwarder();
        stage.defineCapture("confirm: forwarder\n", "public.t");
        stage.startCapture();
        stage.startSlave("s", "public.t");
        stage.awaitInSync("s", 1);
        stage.onMaster("INSERT INTO t VALUES (1)");
        stage.awaitApplied("s");
    }

    @AfterEach
    void close() throws Exception {
        stage.close();
    }

    /** Writes what is not ours, waits until the master may forget it, and returns where that ends. */
    private void confirmIdlePosition() throws Exception {
        stage.onMaster(NOT_OURS);
        stage.awaitConfirmed(stage.masterValue("SELECT pg_current_wal_lsn()"));
        assertEquals("1", stage.slaveValue("s", "SELECT seq FROM replicator.progress"));
    }

    @Test
    void r20ShouldNotSeeAGapBehindAnIdlePositionItConfirmed() throws Exception {
        confirmIdlePosition();
        stage.stopCapture();
        stage.startCapture();
        stage.onMaster("INSERT INTO t VALUES (2)");
        stage.assertEqualTables("s", "public.t");
        assertTrue(stage.log().matching("Capture stops").isEmpty());
    }

    @Test
    void r20ShouldNotSeeAGapWhenCapturesDiskIsLostBehindAnIdlePosition() throws Exception {
        confirmIdlePosition();
        stage.stopCapture();
        stage.disks().lose("capture");
        stage.startCapture();
        stage.onMaster("INSERT INTO t VALUES (2)");
        stage.assertEqualTables("s", "public.t");
        stage.log().await("Going on with the forwarder's history at");
        assertEquals("2", stage.slaveValue("s", "SELECT seq FROM replicator.progress"));
    }

    @Test
    void r20ShouldNotConfirmAnIdlePositionThatTheForwarderDoesNotHave() throws Exception {
        stage.stopForwarder();
        String before = stage.masterValue("SELECT pg_current_wal_lsn()");
        stage.onMaster(NOT_OURS);
        String after = stage.masterValue("SELECT pg_current_wal_lsn()");
        Await.until(
                "a heartbeat is in the spool",
                PATIENCE,
                () -> stage.disks().queueOf("capture").sourceLsn() >= Lsn.parse(after));
        awaitReply();
        assertTrue(Lsn.parse(stage.confirmedLsn()) <= Lsn.parse(before), "the forwarder never had it");
        // Nobody else can tell while the forwarder is away.
        stage.log().await("Connection to the forwarder: ");
        AdminResult asked = stage.admin("status");
        assertEquals(1, asked.exitCode());
        assertTrue(asked.errors().contains("forwarder " + stage.cluster().address()), asked.errors());
        // Whoever loses capture's disk now goes on from the forwarder's.
        stage.stopCapture();
        stage.disks().lose("capture");
        stage.startForwarder();
        stage.startCapture();
        stage.onMaster("INSERT INTO t VALUES (2)");
        stage.assertEqualTables("s", "public.t");
    }

    /** T writes first and commits last: its messages carry places that were confirmed long ago. */
    @Test
    void r20ShouldNotConfirmWhatIsPendingBehindALongTransactionsOldPlaces() throws Exception {
        stage.onMaster("ALTER DATABASE " + stage.masterDatabase() + " SET wal_sender_timeout = '6s'");
        stage.stopCapture();
        stage.startCapture();
        String incompressible = "(SELECT string_agg(md5(n || '/' || m), '') FROM generate_series(1, 30) m)";
        Session writer = stage.session()
                .run("BEGIN", "INSERT INTO t SELECT n, " + incompressible + " FROM generate_series(1000, 9000) n");
        // k: beyond T's rows, confirmed.
        stage.onMaster("INSERT INTO t VALUES (2)");
        stage.awaitApplied("s");
        stage.awaitConfirmed(stage.masterValue("SELECT pg_current_wal_lsn()"));
        stage.stopForwarder();
        String before = stage.masterValue("SELECT pg_current_wal_insert_lsn()");
        // k+1: received and in the spool, not at the forwarder.
        stage.onMaster("INSERT INTO t VALUES (3)");
        stage.disks().awaitTail("capture", 3);
        try (StepGate half = StepGate.hold("capture.large-transaction-begun")) {
            // k+2 = T, half sent; the server misses our answers and puts a keepalive into the middle of it.
            writer.run("COMMIT");
            half.awaitArrival();
            Await.until("the server asks whether we are there", PATIENCE, () -> silentFor("3.5 s"));
        }
        stage.disks().awaitTail("capture", 4);
        awaitReply();
        assertTrue(
                Lsn.parse(stage.confirmedLsn()) <= Lsn.parse(before),
                "confirmed " + stage.confirmedLsn() + ", the forwarder has nothing behind " + before);
        stage.stopCapture();
        stage.disks().lose("capture");
        stage.startForwarder();
        stage.startCapture();
        stage.assertEqualTables("s", "public.t");
    }

    private boolean silentFor(String interval) throws Exception {
        return "t"
                .equals(stage.masterValue("SELECT clock_timestamp() - reply_time > interval '" + interval
                        + "' FROM pg_stat_replication WHERE application_name = 'replicator_shop'"));
    }

    /** Waits until capture has answered the server once more. */
    private void awaitReply() throws Exception {
        String now = stage.masterValue("SELECT clock_timestamp()");
        Await.until("capture answers", PATIENCE, () -> "t"
                .equals(stage.masterValue("SELECT reply_time > '" + now
                        + "' FROM pg_stat_replication WHERE application_name = 'replicator_shop'")));
    }
}
