package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.launcher.local.DaemonProcess;
import org.junit.jupiter.api.Test;

/** R23: replaying row by row what is far larger than the slave's memory reads it again from the forwarder. */
class R23HugeReplayIT {
    /** 400 MB of row images for a daemon with a heap of 192 MB; zeros in its files and on the wire. */
    private static final int ROWS = 4000;

    private static final String FILLER = "repeat('x', 100000)";

    @Test
    void r23ShouldReplayATransactionThatDoesNotFitInMemory() throws Exception {
        try (Stage stage =
                Stage.open("CREATE TABLE huge (id int PRIMARY KEY, v text)").startMasterSide("public.huge")) {
            stage.defineSlave("big", "", "public.huge");
            DaemonProcess daemon = stage.cluster().slave("big").daemon();
            daemon.start();
            stage.awaitInSync("big", 1);
            // Only the last row does not fit, so all of it is applied, rolled back, and replayed up to there.
            stage.onSlave("big", "INSERT INTO huge VALUES (" + ROWS + ", 'local')");
            stage.onMaster("INSERT INTO huge SELECT i, " + FILLER + " FROM generate_series(1, " + ROWS + ") i");

            long seq = stage.awaitTableState("big", "public.huge", "error")
                    .path("conflictSeq")
                    .asLong();
            assertTrue(seq > 0);
            assertEquals("1", stage.slaveValue("big", "SELECT count(*) FROM huge"), "a part of it was committed");
            long sent = stage.cluster().slaveStatus("big").path("bytesSent").asLong();

            stage.onSlave("big", "DELETE FROM huge");
            stage.admin("slave", "resume", "big").orThrow();
            stage.assertEqualTables("big", "public.huge");
            assertTrue(
                    stage.cluster().slaveStatus("big").path("bytesSent").asLong() > sent,
                    "it did not read the transaction again");
            assertTrue(daemon.isAlive(), daemon.tail(20));
            assertFalse(daemon.tail(200).contains("OutOfMemoryError"), daemon.tail(200));
        }
    }
}
