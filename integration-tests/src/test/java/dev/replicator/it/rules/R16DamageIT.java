package dev.replicator.it.rules;

import static dev.replicator.it.rules.Texts.assertContains;
import static dev.replicator.it.rules.Texts.awaitContains;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.embedded.Await;
import dev.replicator.embedded.StepGate;
import dev.replicator.launcher.local.AdminResult;
import dev.replicator.launcher.local.DaemonProcess;
import dev.replicator.launcher.local.StatusWait;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** R16: a damaged byte stops with file and offset before it is applied; a lost index loses nothing else. */
class R16DamageIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String SCHEMA =
            """
            CREATE TABLE t (id serial PRIMARY KEY, v text);
            CREATE TABLE busy (id serial PRIMARY KEY, v text);
            INSERT INTO t (v) SELECT 'row ' || g FROM generate_series(1, 100) g;
            """;

    /** Killed, a bit flips in a record that capture was told is durable, started again. */
    @Test
    void r16ShouldEndWithFileAndOffsetWhenAnAcknowledgedRecordIsDamaged() throws Exception {
        try (Stage stage = Stage.open(SCHEMA)) {
            DaemonProcess forwarder = stage.cluster().forwarder();
            forwarder.start();
            stage.waiting().until("the forwarder answers", status -> true);
            stage.defineCapture("", "public.*");
            stage.startCapture();
            stage.defineSlave("s", "", "public.t");
            stage.admin("reload").orThrow();
            stage.startSlave("s");
            stage.awaitInSync("s", 1);
            for (int i = 0; i < 4; i++) {
                stage.onMaster(rows("t", 1));
                stage.awaitApplied("s");
            }
            String mapped = Files.readString(Path.of("/proc/" + forwarder.pid() + "/maps"));
            assertFalse(mapped.contains("/tmp/librocksdbjni") || mapped.contains("/tmp/libzstd-jni"), mapped);
            forwarder.kill();
            Path segment = only(queue(stage), ".open");
            long offset = Files.size(segment) - 2500;
            flip(segment, offset);
            forwarder.start();
            assertEquals(3, forwarder.awaitExit(PATIENCE).orElse(-1), forwarder.tail(20));
            assertContains(
                    forwarder.tail(10),
                    "The forwarder's queue is damaged: corrupt record in " + segment + " at offset",
                    "a later commit group",
                    "Move " + queue(stage) + " away");
            AdminResult verified = stage.replicator(
                    "queue", "verify", "--directory", queue(stage).toString());
            assertEquals(3, verified.exitCode());
            assertContains(verified.output() + verified.errors(), segment.toString());
            flip(segment, offset);
            forwarder.start();
            stage.onMaster(rows("t", 1));
            stage.awaitCapture();
            stage.assertEqualTables("s", "public.t");
            forwarder.stop();
        }
    }

    /**
     * The end of the forwarder's queue is gone, which alone looks like a torn group; but capture was told that it is
     * durable and has pruned it. Starting again does not make it look better.
     */
    @Test
    void r16ShouldTakeAnEndBelowWhatWasAcknowledgedForDamage() throws Exception {
        try (Stage stage = Stage.open(SCHEMA)) {
            stage.startForwarder();
            stage.defineCapture("", "public.*");
            stage.configure("capture.yaml", "max-size: 2GiB", "max-size: 2GiB, segment-size: 64KiB");
            stage.startCapture();
            stage.startSlave("s", "public.t");
            stage.awaitInSync("s", 1);
            stage.onMaster(rows("t", 1));
            stage.awaitApplied("s");
            long before = Files.size(only(queue(stage), ".open"));
            stage.onMaster(rows("t", 300));
            stage.onMaster(rows("t", 1));
            stage.awaitApplied("s");
            Path spool = stage.cluster().data("capture");
            Await.until(
                    "capture has pruned what the forwarder acknowledged",
                    PATIENCE,
                    () -> !Files.exists(spool.resolve("segment-0000000001.queue"))
                            && !Files.exists(spool.resolve("segment-0000000001.open")));
            Path image = stage.cluster().root().resolve("image");
            Directories.copy(queue(stage), image);
            stage.stopForwarder();
            Directories.restore(image, queue(stage));
            Path segment = only(queue(stage), ".open");
            try (RandomAccessFile file = new RandomAccessFile(segment.toFile(), "rw")) {
                file.setLength(before + 200);
            }
            for (int attempt = 0; attempt < 2; attempt++) {
                stage.startForwarder();
                ReplicatorException damage = assertTimeoutPreemptively(
                        PATIENCE,
                        () -> assertThrows(ReplicatorException.class, () -> stage.forwarder()
                                .awaitEnd()));
                assertEquals(ErrorCode.DAMAGE, damage.code());
                assertContains(
                        damage.getMessage(), segment.toString(), "at offset", "had to be cut", "capture was told");
                assertContains(damage.hint(), "Move " + queue(stage) + " away");
                stage.stopForwarder();
            }
            Directories.delete(queue(stage));
            stage.startForwarder();
            stage.awaitCapture();
            stage.awaitInSync("s", 1);
            stage.assertEqualTables("s", "public.t");
        }
    }

    /** Damage in a closed segment shows when it is read: that slave stops with file and offset, the others flow. */
    @Test
    void r16ShouldSendNothingDamagedFromAClosedSegment() throws Exception {
        try (Stage stage = Stage.open(SCHEMA)) {
            stage.defineForwarder("4MiB", "");
            stage.startMasterSide("public.*");
            stage.startSlave("behind", "public.t");
            stage.startSlave("other", "public.t");
            stage.awaitInSync("behind", 1);
            stage.awaitInSync("other", 1);
            stage.stopSlave("behind");
            for (int i = 0; i < 24; i++) {
                stage.onMaster(rows("t", 50));
            }
            stage.awaitApplied("other");
            stage.stopForwarder();
            Path segment = queue(stage).resolve("segment-0000000001.queue");
            long offset = Files.size(segment) / 2;
            flip(segment, offset);
            stage.startForwarder();
            stage.startSlave("behind");
            JsonNode status = stage.waiting()
                    .until("the slave names file and offset", seen -> StatusWait.slaveOf(seen, "behind")
                            .toString()
                            .contains("corrupt record in " + segment));
            assertContains(StatusWait.slaveOf(status, "behind").toString(), "at offset");
            awaitContains(() -> stage.admin("status").orThrow(), "corrupt record in " + segment);
            assertEquals(
                    "0",
                    stage.slaveValue("behind", "SELECT count(*) - max(id) FROM t"),
                    "a prefix of what the master did, nothing else");
            stage.onMaster(rows("t", 1));
            stage.awaitCapture();
            stage.assertEqualTables("other", "public.t");
            flip(segment, offset);
            stage.assertEqualTables("behind", "public.t");
        }
    }

    /** The forwarder gives a damaged cached dump up by itself; the slave gets another one. */
    @Test
    void r16ShouldNotLoadADamagedDump() throws Exception {
        try (Stage stage = Stage.open(SCHEMA).startMasterSide("public.*")) {
            stage.startSlave("a", "public.t");
            stage.awaitInSync("a", 1);
            Path chunk = stage.cluster().data("forwarder/dumps").resolve("d-000001/chunk-000001.zst");
            flip(chunk, Files.size(chunk) / 2);
            stage.startSlave("b", "public.t");
            stage.awaitInSync("b", 1);
            assertContains(stage.log().await("A cached dump is given up"), chunk.toString(), "CRC-32C");
            stage.assertEqualTables("b", "public.t");
            assertFalse(stage.admin("dump", "list").orThrow().contains("d-000001"), "it serves nobody");
        }
    }

    /** RocksDB's directory is removed: dumps come from their manifests, nothing is pruned before everybody was here. */
    @Test
    void r16ShouldGoOnWithoutItsIndex() throws Exception {
        try (Stage stage = Stage.open(SCHEMA)) {
            stage.defineForwarder("4MiB", "");
            stage.startMasterSide("public.*");
            stage.startSlave("a", "public.*");
            stage.awaitInSync("a", 2);
            stage.defineSlave("never", "", "public.t");
            stage.defineSlave("b", "", "public.t");
            for (int i = 0; i < 24; i++) {
                stage.onMaster(rows("busy", 50));
            }
            stage.awaitApplied("a");
            long first = firstSeq(stage);
            stage.stopForwarder();
            Directories.delete(queue(stage).resolve("index"));
            stage.startForwarder();
            stage.log().await("The queue's index was rebuilt: nothing is pruned before every slave has connected once");
            stage.stopCapture();
            stage.startSlave("b");
            stage.awaitInSync("b", 1);
            stage.assertSameRows("b", "public.t");
            stage.startCapture();
            stage.onMaster(rows("t", 1));
            stage.awaitCapture();
            stage.assertEqualTables("a", "public.t", "public.busy");
            stage.admin("dump", "drop", "d-000001").orThrow();
            stage.admin("dump", "drop", "d-000002").orThrow();
            stage.assertEqualTables("b", "public.t");
            awaitContains(
                    () -> stage.admin("status").orThrow(),
                    "held by slave never, which has not connected since the index was lost");
            assertEquals(first, firstSeq(stage));
            Files.delete(stage.cluster().configDirectory().resolve("slaves.d/never.yaml"));
            stage.admin("reload").orThrow();
            stage.waiting()
                    .until(
                            "the queue is pruned",
                            status -> status.path("queue").path("firstSeq").asLong() > first);
        }
    }

    /** A lost index gives dump ids anew: what a slave holds of the first d-000001 is not mixed with the second. */
    @Test
    void r16ShouldNotGoOnWithAnotherDumpOfTheSameId() throws Exception {
        try (Stage stage = Stage.open(
                        """
                        CREATE TABLE p (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
                        CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);
                        CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (100) TO (200);
                        INSERT INTO p SELECT g, 'old' FROM generate_series(1, 199) g;
                        """)
                .startMasterSide("public.p")) {
            try (StepGate loaded = StepGate.hold("restore.chunk-loaded")) {
                stage.startSlave("s", "public.p");
                loaded.awaitArrival();
                Await.until("both chunks are in", PATIENCE, () -> stage.slaveValue(
                                "s", "SELECT count(*) FROM replicator.restore_chunk")
                        .equals("2"));
                stage.stopSlave("s");
            }
            // Had it died between the two chunks.
            String copy = stage.slaveValue(
                    "s", "SELECT tablename FROM pg_tables WHERE schemaname = 'replicator' AND tablename LIKE 'copy%'");
            stage.onSlave(
                    "s",
                    "DELETE FROM replicator.\"" + copy + "\" WHERE id >= 100",
                    "DELETE FROM replicator.restore_chunk WHERE row_count = 100");
            Directories.delete(stage.cluster().data("s"));
            stage.stopForwarder();
            Directories.delete(queue(stage).resolve("index"));
            Directories.delete(stage.cluster().data("forwarder/dumps"));
            stage.startForwarder();
            stage.onMaster(
                    "DELETE FROM p WHERE id IN (1, 101)",
                    "INSERT INTO p VALUES (0, 'new')",
                    "UPDATE p SET v = 'new' WHERE id IN (50, 150)");
            stage.startSlave("t", "public.p");
            stage.awaitInSync("t", 1);
            awaitContains(() -> stage.admin("dump", "list").orThrow(), "d-000001");
            stage.startSlave("s");
            stage.awaitInSync("s", 1);
            stage.assertEqualTables("s", "public.p");
            stage.log().await("dump d-000001 was read under another snapshot than the rows that are loaded");
        }
    }

    /** The schema of t came long before the first segment there is: a new slave, and a restarted forwarder, still know it. */
    @Test
    void r16ShouldServeATableWhoseSchemaRecordWasPruned() throws Exception {
        try (Stage stage = Stage.open(SCHEMA)) {
            stage.defineForwarder("4MiB", "");
            stage.startMasterSide("public.*");
            stage.startSlave("a", "public.*");
            stage.awaitInSync("a", 2);
            stage.admin("dump", "drop", "d-000001").orThrow();
            stage.admin("dump", "drop", "d-000002").orThrow();
            for (int i = 0; i < 24; i++) {
                stage.onMaster(rows("busy", 50));
            }
            stage.awaitApplied("a");
            stage.waiting()
                    .until(
                            "the first segment is pruned",
                            status -> status.path("queue").path("firstSeq").asLong() > 1);
            stage.stopForwarder();
            stage.startForwarder();
            stage.awaitCapture();
            stage.startSlave("b", "public.t");
            stage.awaitInSync("b", 1);
            stage.onMaster(rows("t", 3), "UPDATE t SET v = 'changed' WHERE id < 10");
            stage.assertEqualTables("b", "public.t");
            stage.assertEqualTables("a", "public.t", "public.busy");
        }
    }

    private static Path queue(Stage stage) {
        return stage.cluster().data("forwarder/queue");
    }

    private static long firstSeq(Stage stage) throws IOException {
        return stage.status().path("queue").path("firstSeq").asLong();
    }

    private static Path only(Path directory, String suffix) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            List<Path> found =
                    files.filter(file -> file.toString().endsWith(suffix)).toList();
            assertEquals(1, found.size(), found.toString());
            return found.get(0);
        }
    }

    private static void flip(Path path, long offset) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.seek(offset);
            int value = file.read();
            file.seek(offset);
            file.write(value ^ 4);
        }
    }

    /** Rows of 2 kB that hardly compress. */
    private static String rows(String table, int count) {
        return "INSERT INTO " + table + " (v) SELECT (SELECT string_agg(md5(random()::text || g || o), '')"
                + " FROM generate_series(1, 64) g) FROM generate_series(1, " + count + ") o";
    }
}
