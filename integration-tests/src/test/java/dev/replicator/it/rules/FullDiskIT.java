package dev.replicator.it.rules;

import static dev.replicator.it.rules.Texts.assertContains;
import static dev.replicator.it.rules.Texts.awaitContains;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.launcher.local.DaemonProcess;
import dev.replicator.launcher.local.StatusWait;
import org.junit.jupiter.api.Test;

/** R16, R17: a disk is full. Nothing is acknowledged that is not durable, the status says where, and it goes on by itself. */
class FullDiskIT {
    private static final String SCHEMA =
            "CREATE TABLE t (id serial PRIMARY KEY, v text); INSERT INTO t (v) VALUES ('first')";
    /** About 320 kB that do not compress. */
    private static final String WRITE =
            "INSERT INTO t (v) SELECT (SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 100) WHERE g > 0)"
                    + " FROM generate_series(1, 100) g";

    @Test
    void r16ShouldWaitAndGoOnWhenTheForwardersDiskIsFull() throws Exception {
        try (Stage stage = Stage.open(SCHEMA);
                SmallDisk disk = SmallDisk.at(stage.cluster().data("forwarder"))) {
            DaemonProcess forwarder = stage.cluster().forwarder();
            forwarder.start();
            stage.waiting().until("the forwarder answers", status -> true);
            stage.defineCapture("confirm: forwarder\n", "public.t");
            stage.startCapture();
            stage.defineSlave("s", "", "public.t");
            stage.cluster().admin("reload").orThrow();
            stage.startSlave("s");
            stage.awaitInSync("s", 1);
            disk.fill(forwarder);
            write(stage, 12);
            JsonNode status = stage.waiting()
                    .until(
                            "the status names the disk",
                            seen -> seen.path("queue").path("error").asText().contains("disk full"));
            assertContains(
                    status.path("queue").path("error").asText(),
                    "cannot write " + stage.cluster().data("forwarder/queue"),
                    "free",
                    "make room, then writing goes on by itself");
            awaitContains(() -> stage.admin("status").orThrow(), "error: disk full");
            assertTrue(rows(stage) < 1201, "what was not durable was sent");
            assertTrue(
                    stage.masterValue("SELECT count(*) FROM pg_replication_slots WHERE confirmed_flush_lsn >= '"
                                    + stage.masterValue("SELECT pg_current_wal_lsn()") + "'")
                            .equals("0"),
                    "confirmed though not durable");
            disk.empty(forwarder);
            stage.assertEqualTables("s", "public.t");
            stage.waiting().until("the error is gone", seen -> seen.path("queue")
                    .path("error")
                    .isNull());
        }
    }

    @Test
    void r16ShouldKeepAskingForADumpWhenTheForwardersDumpDiskIsFull() throws Exception {
        try (Stage stage = Stage.open(SCHEMA);
                SmallDisk disk = SmallDisk.at(stage.cluster().data("forwarder/dumps"))) {
            DaemonProcess forwarder = stage.cluster().forwarder();
            forwarder.start();
            stage.waiting().until("the forwarder answers", status -> true);
            write(stage, 12);
            disk.fill(forwarder);
            stage.defineCapture("", "public.t");
            stage.startCapture();
            stage.defineSlave("s", "", "public.t");
            stage.cluster().admin("reload").orThrow();
            stage.startSlave("s");
            String said = stage.log().await("cannot store the dump: disk full");
            assertContains(
                    said, "disk full", stage.cluster().data("forwarder/dumps").toString(), "free");
            assertEquals("0", stage.slaveValue("s", "SELECT count(*) FROM pg_tables WHERE tablename = 't'"));
            disk.empty(forwarder);
            stage.awaitInSync("s", 1);
            stage.assertEqualTables("s", "public.t");
        }
    }

    @Test
    void r17ShouldLetTheSlotHoldTheLogWhenCapturesDiskIsFull() throws Exception {
        try (Stage stage = Stage.open(SCHEMA);
                SmallDisk disk = SmallDisk.at(stage.cluster().data("capture"))) {
            stage.startForwarder();
            stage.defineCapture("", "public.t");
            DaemonProcess capture = stage.cluster().capture();
            capture.start();
            stage.startSlave("s", "public.t");
            stage.awaitInSync("s", 1);
            disk.fill(capture);
            write(stage, 12);
            JsonNode master = stage.waiting()
                    .until(
                            "capture says that its disk is full",
                            seen -> seen.path("master").path("state").asText().equals("spool-full")
                                    && seen.path("master").path("walHeldBytes").asLong() > 1_000_000)
                    .path("master");
            assertContains(
                    master.path("error").asText(),
                    "disk full: cannot write " + stage.cluster().data("capture"),
                    "free",
                    "make room, then writing goes on by itself");
            assertTrue(master.path("safeWalBytes").asLong() > 0, master.toString());
            awaitContains(() -> stage.admin("status").orThrow(), "spool-full", "disk full");
            disk.empty(capture);
            stage.assertEqualTables("s", "public.t");
            // Killed on a full disk, started when there is room.
            disk.fill(capture);
            write(stage, 12);
            stage.waiting()
                    .until(
                            "the disk is full again",
                            seen -> seen.path("master").path("state").asText().equals("spool-full"));
            capture.kill();
            stage.waiting().until("capture is gone", seen -> !seen.path("master")
                    .path("captureConnected")
                    .asBoolean());
            disk.empty(capture);
            capture.start();
            stage.awaitCapture();
            stage.assertEqualTables("s", "public.t");
        }
    }

    @Test
    void r16ShouldGoOnWithARestoreWhenTheSlavesWorkDirectoryHasRoomAgain() throws Exception {
        try (Stage stage = Stage.open(SCHEMA);
                SmallDisk disk = SmallDisk.at(stage.cluster().data("s"))) {
            write(stage, 12);
            stage.startMasterSide("public.t");
            stage.defineSlave("s", "", "public.t");
            DaemonProcess slave = stage.cluster().slave("s").daemon();
            disk.fill(slave.isAlive() ? slave : started(slave));
            JsonNode table = Stage.tableOf(
                    stage.waiting().until("the slave names its disk", status -> Stage.tableOf(status, "s", "public.t")
                            .path("error")
                            .asText()
                            .contains("disk full")),
                    "s",
                    "public.t");
            assertContains(
                    table.path("error").asText(), stage.cluster().data("s").toString(), "free");
            disk.empty(slave);
            stage.awaitInSync("s", 1);
            stage.assertEqualTables("s", "public.t");
            slave.stop();
        }
    }

    /** The target server says 53100: weather, not a conflict. The batch is rolled back and tried again. */
    @Test
    void r16ShouldWaitForTheTargetsDisk() throws Exception {
        try (Stage stage = Stage.open(SCHEMA).startMasterSide("public.t")) {
            stage.startSlave("s", "public.t");
            stage.awaitInSync("s", 1);
            stage.onSlave(
                    "s",
                    "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                            + " RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$",
                    "CREATE TRIGGER full_disk BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION full_disk()",
                    "ALTER TABLE t ENABLE ALWAYS TRIGGER full_disk");
            stage.onMaster("INSERT INTO t (v) VALUES ('second')", "INSERT INTO t (v) VALUES ('third')");
            JsonNode slave = StatusWait.slaveOf(
                    stage.waiting().until("the slave names the target's disk", status -> status.toString()
                            .contains("could not extend file")),
                    "s");
            assertEquals("in-sync", slave.path("tables").path(0).path("state").asText(), slave.toString());
            assertContains(slave.toString(), "53100");
            assertEquals("1", stage.slaveValue("s", "SELECT count(*) FROM t"));
            stage.onSlave("s", "DROP TRIGGER full_disk ON t");
            stage.assertEqualTables("s", "public.t");
        }
    }

    private static DaemonProcess started(DaemonProcess daemon) throws Exception {
        daemon.start();
        return daemon;
    }

    private static void write(Stage stage, int transactions) throws Exception {
        for (int i = 0; i < transactions; i++) {
            stage.onMaster(WRITE);
        }
    }

    private static long rows(Stage stage) throws Exception {
        return Long.parseLong(stage.slaveValue("s", "SELECT count(*) FROM t"));
    }
}
