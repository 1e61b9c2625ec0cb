package dev.replicator.it.rules;

import static dev.replicator.it.rules.Texts.assertContains;
import static dev.replicator.it.rules.Texts.awaitContains;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.embedded.Await;
import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.launcher.local.StatusWait;
import java.io.IOException;
import java.nio.file.Files;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** R17: who holds the queue, who gives way at its budget and in which order, and where it ends when nobody may. */
class R17RetentionIT {
    private static final String SCHEMA =
            """
            CREATE TABLE t (id serial PRIMARY KEY, v text);
            CREATE TABLE busy (id serial PRIMARY KEY, v text);
            INSERT INTO t (v) SELECT 'row ' || g FROM generate_series(1, 100) g;
            """;

    /** Dumps nobody uses go first, then the slave that is away; the healthy one is not touched, nor is it held by a file. */
    @Test
    void r17ShouldSacrificeUnusedDumpsThenTheLaneThatHoldsTheFirstTransaction() throws Exception {
        try (Stage stage = Stage.open(SCHEMA)) {
            stage.defineForwarder("2MiB", "");
            stage.startMasterSide("public.*");
            stage.startSlave("away", "public.t");
            stage.startSlave("present", "public.t", "public.busy");
            stage.awaitInSync("away", 1);
            stage.awaitInSync("present", 2);
            stage.defineSlave("never", "", "public.t");
            // The dumps need more of the queue than the slave that will be away.
            for (int i = 0; i < 12; i++) {
                stage.onMaster(rows("busy", 50));
            }
            stage.awaitApplied("present");
            stage.waiting().until("the forwarder knows that the slave has all", status -> status.path("queue")
                    .path("heldBy")
                    .toString()
                    .contains("\"slave\":\"away\",\"table\":null,\"seq\":"
                            + status.path("queue").path("lastSeq")));
            stage.stopSlave("away");
            stage.onMaster(rows("t", 5), rows("busy", 5));
            stage.awaitApplied("present");
            stage.waiting().until("the slave that is away holds the queue", status -> stage.admin("status")
                    .output()
                    .contains("held by slave away, lane main at"));
            assertFalse(stage.admin("status").orThrow().contains("held by slave never"), "it never came");
            long dumped = sent(stage.status(), "present");
            stage.waiting().until("the cached dumps give way", status -> {
                write(stage, "busy");
                return status.path("dumps").isEmpty();
            });
            String gaveWay = stage.log().await("it gave way at the queue's budget");
            stage.waiting().until("the slave that is away gives way", status -> {
                write(stage, "busy");
                return StatusWait.slaveOf(status, "away").path("state").asText().equals("needs-resync");
            });
            String dropped = stage.log().await("The lane is dropped at the queue's budget; its tables need new dumps");
            assertContains(dropped, "away", "main");
            assertTrue(
                    stage.log().lines().indexOf(gaveWay) < stage.log().lines().indexOf(dropped),
                    "a slave gave way before a dump that nobody uses");
            stage.awaitInSync("present", 2);
            stage.assertEqualTables("present", "public.t", "public.busy");
            assertEquals(dumped, sent(stage.status(), "present"), "the healthy slave needed no dump");
            stage.startSlave("away");
            stage.awaitInSync("away", 1);
            stage.assertEqualTables("away", "public.t");
        }
    }

    /** A parked table pins the queue by a lane of its own: at the budget that lane goes, the slave's others do not notice. */
    @Test
    void r17ShouldDropTheSideLaneOfAParkedTableOnly() throws Exception {
        try (Stage stage = Stage.open(SCHEMA)) {
            stage.defineForwarder("2MiB", "");
            stage.startMasterSide("public.*");
            stage.startSlave("s", "public.t", "public.busy");
            stage.awaitInSync("s", 2);
            long dumped = sent(stage.status(), "s");
            stage.onSlave("s", "INSERT INTO t VALUES (101, 'in the way')");
            stage.onMaster("INSERT INTO t (v) VALUES ('the master''s')");
            stage.awaitTableState("s", "public.t", "error");
            stage.waiting().until("the status names the table that holds the queue", status -> status.path("queue")
                    .path("heldBy")
                    .toString()
                    .contains("\"table\":\"public.t\""));
            awaitContains(() -> stage.admin("status").orThrow(), "held by slave s, lane", "(public.t) at 0");
            stage.waiting().until("the parked lane gives way", status -> {
                write(stage, "busy");
                return !stage.log()
                        .matching("The lane is dropped at the queue's budget")
                        .isEmpty();
            });
            assertFalse(stage.log().await("The lane is dropped").contains("main"), "the main lane was dropped");
            stage.awaitPassed("s");
            stage.assertSameRows("s", "public.busy");
            assertEquals(dumped, sent(stage.status(), "s"));
            stage.admin("slave", "resume", "s", "--table", "public.t").orThrow();
            stage.awaitInSync("s", 2);
            stage.assertEqualTables("s", "public.t", "public.busy");
        }
    }

    /** A slave that is gone for good: its file is removed, the forwarder reads its files again, the queue is free. */
    @Test
    void r17ShouldForgetASlaveWhoseFileIsRemoved() throws Exception {
        try (Stage stage = Stage.open(SCHEMA)) {
            stage.defineForwarder("4MiB", "");
            stage.startMasterSide("public.*");
            stage.startSlave("gone", "public.busy");
            stage.startSlave("s", "public.busy");
            stage.awaitInSync("gone", 1);
            stage.awaitInSync("s", 1);
            stage.stopSlave("gone");
            stage.admin("dump", "drop", "d-000001").orThrow();
            for (int i = 0; i < 24; i++) {
                stage.onMaster(rows("busy", 50));
            }
            stage.awaitApplied("s");
            awaitContains(() -> stage.admin("status").orThrow(), "held by slave gone, lane main");
            assertEquals(1, stage.status().path("queue").path("firstSeq").asLong());
            Files.delete(stage.cluster().configDirectory().resolve("slaves.d/gone.yaml"));
            stage.admin("reload").orThrow();
            JsonNode status = stage.waiting()
                    .until(
                            "the queue is pruned",
                            seen -> seen.path("queue").path("firstSeq").asLong() > 1);
            assertFalse(status.toString().contains("gone"), status.toString());
        }
    }

    /** on-full: stop. The forwarder takes nothing in, capture's spool fills, the slot holds the log; all of it says so. */
    @Test
    void r17ShouldEndInTheMastersLogWhenNobodyMayGiveWay() throws Exception {
        try (Stage stage = Stage.open(SCHEMA)) {
            stage.defineForwarder("1MiB", "");
            stage.configure("forwarder.yaml", "on-full: drop-slave", "on-full: stop");
            stage.startForwarder();
            stage.defineCapture("", "public.*");
            stage.configure("capture.yaml", "max-size: 2GiB", "max-size: 1MiB");
            stage.startCapture();
            stage.startSlave("s", "public.busy");
            stage.awaitInSync("s", 1);
            stage.stopSlave("s");
            for (int i = 0; i < 80; i++) {
                stage.onMaster(rows("busy", 100));
            }
            JsonNode status = stage.waiting()
                    .until(
                            "capture's spool is full",
                            seen -> seen.path("master").path("state").asText().equals("spool-full")
                                    && seen.path("master").path("walHeldBytes").asLong() > 1 << 20
                                    && seen.path("queue").path("visibleSeq").asLong() > 1);
            JsonNode master = status.path("master");
            assertContains(
                    master.path("error").asText(),
                    "the spool holds",
                    "of queue.max-size, 1.0 MiB: nothing is read from the master, whose slot holds its log, until the"
                            + " forwarder takes it");
            assertTrue(master.path("safeWalBytes").asLong() > 0, master.toString());
            awaitContains(
                    () -> stage.admin("status").orThrow(),
                    "spool-full",
                    "WAL held",
                    "more until the slot is lost)",
                    "error: queue.max-size (1.0 MiB) is used up and on-full is 'stop'",
                    "held by slave s, lane main");
            assertContains(stage.log().await("The queue is full: queue.max-size"), "slave s, lane main");
            stage.startSlave("s");
            stage.assertEqualTables("s", "public.busy");
            stage.waiting()
                    .until(
                            "all is well again",
                            seen -> seen.path("master").path("state").asText().equals("streaming")
                                    && seen.path("queue").path("error").isNull());
        }
    }

    @Test
    void r17ShouldDemandALimitOfWhatTheSlotMayHold() throws Exception {
        try (Stage stage = Stage.open(SCHEMA)) {
            stage.defineCapture("", "public.*");
            keepWal(stage.masterServer(), "-1");
            try {
                assertContains(
                        stage.preflight("capture.yaml"),
                        "MISSING max_slot_wal_keep_size: is unlimited: while capture is away or its spool is full, WAL"
                                + " grows until the master's disk is full",
                        "ALTER SYSTEM SET max_slot_wal_keep_size");
            } finally {
                keepWal(stage.masterServer(), "2GB");
            }
            assertFalse(stage.preflight("capture.yaml").contains("max_slot_wal_keep_size"));
        }
    }

    private static void keepWal(EmbeddedPostgres server, String limit) throws SQLException {
        server.execute(
                "postgres", "ALTER SYSTEM SET max_slot_wal_keep_size = '" + limit + "'", "SELECT pg_reload_conf()");
        Await.until("the server has read its configuration", Duration.ofSeconds(60), () -> {
            try (Session session = new Session(server.connect("postgres"))) {
                return session.value("SHOW max_slot_wal_keep_size").equals(limit);
            }
        });
    }

    private static long sent(JsonNode status, String slave) {
        return StatusWait.slaveOf(status, slave).path("dumpBytesSent").asLong();
    }

    private static void write(Stage stage, String table) throws IOException {
        try {
            stage.onMaster(rows(table, 20));
        } catch (SQLException e) {
            throw new IOException(e);
        }
    }

    /** Rows of 2 kB that hardly compress. */
    private static String rows(String table, int count) {
        return "INSERT INTO " + table + " (v) SELECT (SELECT string_agg(md5(random()::text || g || o), '')"
                + " FROM generate_series(1, 64) g) FROM generate_series(1, " + count + ") o";
    }
}
