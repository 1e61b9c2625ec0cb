package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.embedded.Await;
import dev.replicator.embedded.StepGate;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.store.QueueReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** R06: reading the master's log again gives the same numbers, and whoever is handed a position compares it whole. */
class R06NumbersIT {
    private static final String SCHEMA =
            """
            CREATE TABLE t (id int PRIMARY KEY, v text);
            CREATE TABLE u (id int PRIMARY KEY);
            CREATE TABLE hidden (id int PRIMARY KEY);
            """;

    /** Capture and forwarder lose what the slave has applied; between the two readings the configuration changes. */
    @Test
    void r06ShouldGiveTheSameNumbersWhenTheLogIsReadAgain() throws Exception {
        try (Stage stage = Stage.open(SCHEMA)) {
            stage.startForwarder();
            stage.defineCapture("confirm: forwarder\n", "public.t", "public.u");
            stage.startCapture();
            stage.startSlave("s", "public.t", "public.u");
            stage.awaitInSync("s", 2);
            stage.onMaster("INSERT INTO t VALUES (1)");
            stage.awaitApplied("s");
            long before = seqOf(stage);
            stage.stopCapture();
            stage.stopForwarder();
            Path spool = stage.disks().copyOf("capture");
            Path queue = stage.disks().copyOf("forwarder");
            List<String> first;
            try (StepGate acknowledging = StepGate.hold("forwarder.records-durable")) {
                // Nothing is acknowledged, so the master's slot stays where it is.
                stage.startForwarder();
                stage.startCapture();
                acknowledging.awaitArrival();
                stage.onMaster(
                        "INSERT INTO hidden VALUES (1)",
                        "INSERT INTO t VALUES (2)",
                        "SELECT pg_logical_emit_message(true, 'other', 'a transaction without changes')",
                        "INSERT INTO u VALUES (1)",
                        "UPDATE hidden SET id = 2",
                        "INSERT INTO u VALUES (2)",
                        "INSERT INTO t VALUES (3)");
                stage.awaitApplied("s");
                assertEquals(before + 4, seqOf(stage), "what has no change in it has no number");
                stage.defineCapture("confirm: forwarder\nexclude: [public.u]\n", "public.t", "public.u");
                stage.reloadCapture();
                Await.until("u is published no more", Duration.ofSeconds(60), () -> stage.masterValue(
                                "SELECT count(*) FROM pg_publication_tables")
                        .equals("1"));
                stage.onMaster("INSERT INTO t VALUES (4)");
                stage.awaitSlaveValue("s", "SELECT count(*)::text FROM t", "4");
                first = numbers(stage);
                stage.stopCapture();
                stage.stopForwarder();
            }
            stage.disks().putBack("capture", spool);
            stage.disks().putBack("forwarder", queue);
            stage.startForwarder();

            // The slave is ahead: it waits, and says for what.
            String waits = stage.awaitSlave("s", "connecting", "waiting until capture has sent it again")
                    .path("error")
                    .asText();

            assertTrue(waits.contains("seq " + seqOf(stage)), waits);
            assertTrue(waits.contains(" seq " + before + " at "), waits);
            assertEquals("4", stage.slaveValue("s", "SELECT count(*)::text FROM t"));
            stage.startCapture();
            stage.onMaster("INSERT INTO t VALUES (5)");
            stage.awaitSlaveValue("s", "SELECT count(*)::text FROM t", "5");
            assertEquals(first, numbers(stage).subList(0, first.size()), "read again");
            assertEquals("0", stage.slaveValue("s", "SELECT count(*)::text FROM replicator.conflict"));
            stage.assertSameRows("s", "public.t");
        }
    }

    /** A slave gets transactions before the forwarder's disk has them; that machine's power fails. */
    @Test
    void r06ShouldGoOnBehindWhatTheForwarderLost() throws Exception {
        try (Stage stage = Stage.open(SCHEMA, "CREATE TABLE log (v text); ALTER TABLE log REPLICA IDENTITY FULL")) {
            stage.startMasterSide("public.t", "public.u", "public.log");
            stage.startSlave("s", "public.t", "public.log");
            stage.awaitInSync("s", 2);
            stage.onMaster("INSERT INTO log VALUES ('a')");
            stage.awaitApplied("s");
            stage.stopForwarder();
            Path queue = stage.disks().copyOf("forwarder");
            stage.startForwarder();
            stage.onMaster(
                    "INSERT INTO log VALUES ('b')",
                    "INSERT INTO u VALUES (1)",
                    "INSERT INTO log SELECT 'b' FROM generate_series(1, 3)",
                    "UPDATE log SET v = 'c' WHERE v = 'b'",
                    "INSERT INTO u VALUES (2)");
            stage.awaitApplied("s");
            List<String> first = numbers(stage);
            stage.stopForwarder();
            stage.disks().putBack("forwarder", queue);
            // Recorded where the lost transactions stood, before they come again: u for one of them is behind the
            // slave.
            stage.cluster().grant("s", List.of("public.t", "public.log", "public.u"));

            stage.startForwarder();

            stage.awaitInSync("s", 3);
            stage.onMaster("INSERT INTO log VALUES ('d')", "INSERT INTO u VALUES (3)");
            stage.awaitApplied("s");
            assertEquals(first, numbers(stage).subList(0, first.size()), "sent again");
            stage.assertSameRows("s", "public.t", "public.u", "public.log");
            assertEquals("0", stage.slaveValue("s", "SELECT count(*)::text FROM replicator.conflict"));
        }
    }

    /** Master, capture and forwarder were one machine that was rolled back; the slave has applied what is no more. */
    @Test
    void r06ShouldRefuseASlaveThatAppliedAnotherHistory() throws Exception {
        try (Stage stage = Stage.on(SharedServers.restorable(), SCHEMA)) {
            stage.disks().putBack("forwarder", rollBack(stage));
            stage.startForwarder();
            stage.startCapture();
            stage.onMaster("INSERT INTO t SELECT 10, repeat('x', 500)", "INSERT INTO t VALUES (11)");
            stage.onMaster("INSERT INTO t VALUES (12)");

            String error = stage.awaitSlave("s", "error", "belongs to another history")
                    .path("error")
                    .asText();

            assertTrue(error.contains("seq 3 at "), error);
            assertTrue(error.contains("our record of that seq ends at "), error);
            assertTrue(error.contains("replicator admin slave resync s"), error);
            assertTrue(stage.admin("status").orThrow().contains("replicator admin slave resync s"));
            assertEquals("1,2,3", ids(stage), "nothing of the other history was applied, the old rows stay");
            stage.admin("slave", "resync", "s").orThrow();
            stage.awaitInSync("s", 1);
            stage.assertEqualTables("s", "public.t");
        }
    }

    /**
     * The same, and the master writes rows of the same length in the same order: places and transaction ids are those of
     * the lost ones. Only the commit time differs.
     */
    @Test
    void r06ShouldRefuseASlaveWhoseTransactionWasCommittedAtAnotherTime() throws Exception {
        try (Stage stage = Stage.on(SharedServers.restorable(), SCHEMA)) {
            stage.disks().putBack("forwarder", rollBack(stage));
            stage.startForwarder();
            stage.onMaster("INSERT INTO t VALUES (7)", "INSERT INTO t VALUES (8)");
            stage.startCapture();

            String error = stage.awaitSlave("s", "error", "belongs to another history")
                    .path("error")
                    .asText();

            assertTrue(error.contains("seq 3 at "), error);
            assertTrue(error.contains("replicator admin slave resync s"), error);
            assertEquals("1,2,3", ids(stage));
            stage.admin("slave", "resync", "s").orThrow();
            stage.awaitInSync("s", 1);
            stage.assertEqualTables("s", "public.t");
        }
    }

    /** The same, but the master writes nothing more: the slave need not wait for a number that may never come. */
    @Test
    void r06ShouldRefuseASlaveThatIsAheadOfALogThatIsKnownFurther() throws Exception {
        try (Stage stage = Stage.on(SharedServers.restorable(), SCHEMA)) {
            stage.disks().putBack("forwarder", rollBack(stage));
            stage.startForwarder();
            stage.startCapture();
            stage.onMaster("INSERT INTO hidden SELECT n FROM generate_series(1, 5000) n");

            String error = stage.awaitSlave("s", "error", "it does not have that transaction")
                    .path("error")
                    .asText();

            assertTrue(error.contains("seq 3 at "), error);
            assertTrue(error.contains("is ahead of the queue's tail") && error.contains("seq 1 at "), error);
            assertTrue(error.contains("replicator admin slave resync s"), error);
            stage.admin("slave", "resync", "s").orThrow();
            stage.awaitInSync("s", 1);
            stage.assertEqualTables("s", "public.t");
        }
    }

    /** Master and capture were rolled back, the forwarder was not. The first transaction written since tells. */
    @Test
    void r06ShouldRefuseAForwarderThatHoldsAnotherHistory() throws Exception {
        try (Stage stage = Stage.on(SharedServers.restorable(), SCHEMA)) {
            rollBack(stage);
            stage.startForwarder();
            stage.startCapture();
            // As long as the lost one: only its commit time, at most, tells them apart.
            stage.onMaster("INSERT INTO t VALUES (20)");

            String error = stage.waiting()
                    .until("capture says so", status -> status.path("master")
                            .path("error")
                            .asText()
                            .contains("the forwarder's history is not ours"))
                    .path("master")
                    .path("error")
                    .asText();

            assertTrue(error.contains("it holds transaction "), error);
            assertTrue(error.contains("(seq 2, end "), error);
            assertTrue(error.contains("replicator capture --config FILE --new-epoch"), error);
            assertEquals("1,2,3", ids(stage), "the old rows stay");
            stage.stopCapture();
            stage.beginNewEpoch();
            stage.startCapture();
            stage.awaitInSync("s", 1);
            stage.assertEqualTables("s", "public.t");
        }
    }

    /**
     * Seq 2 and 3 are captured, sent and applied; then master and capture are as they were at seq 1. All is stopped.
     *
     * @return the forwarder's directory of then
     */
    private static Path rollBack(Stage stage) throws Exception {
        stage.startMasterSide("public.t");
        stage.startSlave("s", "public.t");
        stage.awaitInSync("s", 1);
        stage.onMaster("INSERT INTO t VALUES (1)");
        stage.awaitApplied("s");
        stage.stopCapture();
        stage.stopForwarder();
        Path spool = stage.disks().copyOf("capture");
        Path queue = stage.disks().copyOf("forwarder");
        Path master = stage.disks().copyOfMaster();
        stage.startForwarder();
        stage.startCapture();
        stage.onMaster("INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (3)");
        stage.awaitSlaveValue("s", "SELECT seq::text FROM replicator.progress", "3");
        stage.stopCapture();
        stage.stopForwarder();
        stage.disks().putBack("capture", spool);
        stage.disks().putMasterBack(master);
        return queue;
    }

    private static long seqOf(Stage stage) throws Exception {
        return Long.parseLong(stage.slaveValue("s", "SELECT seq FROM replicator.progress"));
    }

    private static String ids(Stage stage) throws Exception {
        return stage.slaveValue("s", "SELECT string_agg(id::text, ',' ORDER BY id) FROM t");
    }

    /** Position, transaction id and commit time of every transaction in the forwarder's queue. */
    private static List<String> numbers(Stage stage) throws IOException {
        List<String> numbers = new ArrayList<>();
        try (QueueReader reader = stage.disks().queueOf("forwarder").readFromStart()) {
            for (RecordHeader header = reader.next(); header != null; header = reader.next()) {
                if (header.isTransaction()) {
                    numbers.add(header.position() + " xid " + header.transactionId() + " at " + header.commitMicros());
                }
            }
        }
        return numbers;
    }
}
