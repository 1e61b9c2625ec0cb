package dev.replicator.it.rules;

import static dev.replicator.it.rules.Texts.assertContains;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.replicator.embedded.Await;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** R21: the first start, when the slot does not exist yet. */
class R21FirstStartIT {
    private static final String SCHEMA = "CREATE TABLE first (id int PRIMARY KEY)";

    /** Commits wait for capture itself, already before there is a slot: our own statements must not. */
    @Test
    void r21ShouldWorkAsTheSynchronousStandbyItself() throws Exception {
        try (Stage own = Stage.open(SCHEMA)) {
            own.nameSynchronousStandby("replicator_shop");
            own.startMasterSide("public.*");
            own.startSlave("s", "public.*");
            own.awaitTableState("s", "public.first", "in-sync");
            // Each of these commits when capture has it; in between capture publishes the table.
            own.onMaster("CREATE TABLE later (id int PRIMARY KEY)", "INSERT INTO later VALUES (1)");
            own.awaitRestored("s", "public.later", 1);
            own.onMaster("INSERT INTO later VALUES (2)");
            own.assertEqualTables("s", "public.later");
        }
    }

    /** The slot waits for every transaction then running, a forgotten prepared one for ever: status says for whom. */
    @Test
    void r21ShouldSayWhomTheCreationOfTheSlotWaitsFor() throws Exception {
        try (Stage own = Stage.open(SCHEMA)) {
            own.session().run("BEGIN", "INSERT INTO first VALUES (1)", "PREPARE TRANSACTION 'forgotten'");
            own.startMasterSide("public.*");
            own.waiting().until("the prepared transaction is named", status -> status.path("master")
                    .path("waitingFor")
                    .toString()
                    .contains("prepared transaction 'forgotten'"));
            String text = own.admin("status").orThrow();
            assertContains(
                    text,
                    "master preparing",
                    "waits for prepared transaction 'forgotten', transaction ",
                    "(COMMIT PREPARED 'forgotten' or ROLLBACK PREPARED 'forgotten')");
            own.log().await("Creating replication slot replicator_shop waits for: prepared transaction 'forgotten'");
            own.startSlave("s", "public.*");
            own.onMaster("COMMIT PREPARED 'forgotten'");
            own.awaitRestored("s", "public.first", 1);
            assertFalse(
                    own.status().path("master").path("waitingFor").toString().contains("forgotten"));
        }
    }

    /** Since when a stranger's transaction runs is hidden from a role without pg_read_all_stats; its process is not. */
    @Test
    void r21ShouldNameAStrangersTransactionThoughItsAgeIsHidden() throws Exception {
        try (Stage own =
                Stage.open(SCHEMA, "CREATE ROLE r21_plain LOGIN REPLICATION", "ALTER TABLE first OWNER TO r21_plain")) {
            own.onMaster("GRANT CREATE ON DATABASE " + own.masterDatabase() + " TO r21_plain");
            Session stranger = own.session().run("BEGIN", "INSERT INTO first VALUES (1)");
            own.workAs("r21_plain").startMasterSide("public.*");
            String holder = "pid " + stranger.backend() + ", transaction " + stranger.transactionId()
                    + " (at worst: SELECT pg_terminate_backend(" + stranger.backend() + "))";
            own.log().await("Creating replication slot replicator_shop waits for: " + holder);
            own.waiting().until("the stranger is named", status -> status.path("master")
                    .path("waitingFor")
                    .toString()
                    .contains(holder));
            stranger.run("COMMIT");
            own.waiting().until("capture reads", status -> status.path("master")
                    .path("connected")
                    .asBoolean());
        }
        SharedServers.master().execute("postgres", "DROP ROLE r21_plain");
    }

    /** A commit that waits for capture while capture's slot waits for that commit: nobody else can tell the operator. */
    @Test
    void r21ShouldSayThatTheSlotWaitsForACommitThatWaitsForAStandby() throws Exception {
        try (Stage own = Stage.open(SCHEMA)) {
            own.nameSynchronousStandby("replicator_shop");
            Future<?> commit = own.session().start("INSERT INTO first VALUES (1)");
            Await.until("the commit waits", Duration.ofSeconds(60), () -> "1"
                    .equals(own.masterValue("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")));
            own.startMasterSide("public.*");
            own.waiting().until("the commit is named", status -> status.path("master")
                    .path("waitingFor")
                    .toString()
                    .contains("its commit waits for synchronous_standby_names"));
            assertContains(
                    own.admin("status").orThrow(),
                    "its commit waits for synchronous_standby_names: name capture there only once its slot exists");
            own.releaseCommits();
            commit.get(60, TimeUnit.SECONDS);
            own.startSlave("s", "public.*");
            own.awaitRestored("s", "public.first", 1);
        }
    }
}
