package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.embedded.Await;
import dev.replicator.embedded.StepGate;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * R13: a server some hundred transactions before 2^32. The stream tells 32 bits of an id, snapshots 64: dumps are taken with
 * transactions from before and after the wrap on both sides of the snapshot. The first test passes the wrap.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class R13WraparoundIT {
    private static final long WRAP = 1L << 32;
    private static final long BEFORE = 600;
    private static Stage stage;
    private static Session heldAcross;

    @BeforeAll
    static void startBeforeTheWrap() throws Exception {
        stage = Stage.withOwnMaster(
                Map.of(),
                "CREATE TABLE t (id int PRIMARY KEY)",
                "CREATE TABLE k (v int)",
                "ALTER TABLE k REPLICA IDENTITY FULL",
                "INSERT INTO t VALUES (0)",
                "INSERT INTO k VALUES (0)");
        NextTransactionId.set(stage.masterServer(), stage.masterDatabase(), WRAP - BEFORE);
        stage.startMasterSide("public.*");
        stage.startSlave("before", "public.t", "public.k");
        stage.awaitInSync("before", 2);
        heldAcross = stage.session().run("SET synchronous_commit = local", "BEGIN", "INSERT INTO k VALUES (1)");
    }

    @AfterAll
    static void stop() throws Exception {
        stage.close();
    }

    private static void passTheWrap() throws Exception {
        stage.onMaster(
                "DO $$ BEGIN WHILE pg_current_xact_id()::text::int8 < " + WRAP + " LOOP COMMIT; END LOOP; END $$");
    }

    private static void dropDumps() throws Exception {
        for (JsonNode dump : stage.status().path("dumps")) {
            stage.admin("dump", "drop", dump.path("id").asText()).orThrow();
        }
    }

    /**
     * Snapshot xmin:xmax is below 2^32. T2 begins and commits after the wrap, before the dump is settled: its 32 bits are
     * below xmin. T1 was open in the snapshot and commits after the wrap.
     */
    @Test
    @Order(1)
    void r13ShouldApplyWhatCommittedBehindTheWrapToADumpFromBeforeIt() throws Exception {
        dropDumps();
        Session first = stage.session().run("BEGIN", "INSERT INTO t VALUES (1)");
        long firstId = first.transactionId();
        try (StepGate snapshot = StepGate.hold("dump.snapshot-taken")) {
            stage.startSlave("across", "public.t", "public.k");
            snapshot.awaitArrival();
            passTheWrap();
            Session second = stage.session().run("BEGIN", "INSERT INTO t VALUES (2)", "INSERT INTO k VALUES (2)");
            long secondId = second.transactionId();
            assertTrue(firstId < WRAP && secondId > WRAP, firstId + " and " + secondId);
            assertTrue(secondId - WRAP < firstId, "32 bits of the later id are below those of the earlier one");
            second.run("COMMIT");
            first.run("INSERT INTO t VALUES (3)", "COMMIT");
        }
        stage.awaitInSync("across", 2);
        stage.assertEqualTables("across", "public.t", "public.k");
        stage.assertEqualTables("before", "public.t", "public.k");
    }

    /**
     * A transaction from before the wrap commits behind it, and the dump holds its row. An earlier commit that nobody sees
     * yet puts the base below both, so that the row comes once more and has to be recognised.
     */
    @Test
    @Order(2)
    void r13ShouldNotApplyTwiceWhatBeganBeforeTheWrapAndIsInTheDump() throws Exception {
        passTheWrap();
        dropDumps();
        stage.holdCommits();
        Session invisible = stage.session();
        long backend = invisible.backend();
        invisible.start("INSERT INTO t VALUES (4)");
        Await.until("the commit waits for the standby", Duration.ofSeconds(60), () -> "SyncRep"
                .equals(stage.masterValue("SELECT wait_event FROM pg_stat_activity WHERE pid = " + backend)));
        assertTrue(heldAcross.transactionId() < WRAP);
        heldAcross.run("COMMIT");
        stage.awaitApplied("before");

        stage.startSlave("behind", "public.t", "public.k");
        stage.awaitInSync("behind", 2);
        assertEquals("3", stage.slaveValue("behind", "SELECT count(*) FROM k"), "the row of the dump, once");
        stage.releaseCommits();
        stage.assertEqualTables("behind", "public.t", "public.k");
        stage.assertEqualTables("before", "public.t", "public.k");
    }
}
