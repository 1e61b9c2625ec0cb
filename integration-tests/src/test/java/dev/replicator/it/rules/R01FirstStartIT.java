package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.embedded.Await;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** R01 at the very first start: the creation of the slot is the joining of every table. */
class R01FirstStartIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /**
     * The server makes the slot in three steps, each waiting for who runs: A holds it before the second, B before the
     * third. C begins between them, and its commit is in the log before the point where the stream begins, so it will
     * never come; but a synchronous standby does not answer, so no snapshot sees it either.
     */
    @Test
    void r01ShouldWaitForACommitFromBeforeTheSlotThatNobodySeesYet() throws Exception {
        try (Stage stage = Stage.open("CREATE TABLE t (id int PRIMARY KEY)")) {
            stage.startForwarder();
            stage.startSlave("s", "public.t");
            Session first = stage.session().run("SET synchronous_commit = local", "BEGIN");
            long firstId = first.transactionId();
            stage.defineCapture("", "public.t");
            stage.startCapture();
            awaitSlotWaitsFor(stage, firstId);
            stage.log().await("waits for: pid " + first.backend() + ", transaction " + firstId);
            Session second = stage.session().run("SET synchronous_commit = local", "BEGIN");
            long secondId = second.transactionId();
            first.run("COMMIT");
            awaitSlotWaitsFor(stage, secondId);
            stage.holdCommits();
            Session invisible = stage.session();
            long backend = invisible.backend();
            invisible.start("INSERT INTO t VALUES (1)");
            Await.until("its commit waits for the standby", PATIENCE, () -> "SyncRep"
                    .equals(stage.masterValue("SELECT wait_event FROM pg_stat_activity WHERE pid = " + backend)));
            second.run("COMMIT");
            String holder = "dump of public.t: pid " + backend + ", transaction ";
            String shown = stage.waiting()
                    .until(
                            "the dump waits or is read",
                            status -> status.toString().contains(holder)
                                    || !stage.log().matching("Dump was read").isEmpty())
                    .toString();
            stage.session().run("SET synchronous_commit = local", "INSERT INTO t VALUES (2)");
            stage.releaseCommits();
            stage.awaitInSync("s", 1);
            stage.assertEqualTables("s", "public.t");
            assertTrue(shown.contains(holder), shown);
            assertTrue(shown.contains("(its commit waits for synchronous_standby_names)"), shown);
        }
    }

    /** The backend that makes the slot sleeps on a transaction's lock. */
    private static void awaitSlotWaitsFor(Stage stage, long id) {
        Await.until("making the slot waits for " + id, PATIENCE, () -> !"0"
                .equals(stage.masterValue(
                        "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"
                                + " AND transactionid::text = '" + id + "'")));
    }
}
