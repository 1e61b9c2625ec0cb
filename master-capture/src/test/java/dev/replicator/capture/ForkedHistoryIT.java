package dev.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rule R05: a master whose disk was rolled back writes another history at the same positions. */
class ForkedHistoryIT {
    @TempDir
    private Path directory;

    @Test
    void r05ShouldStopWhenARestoredMasterHasWrittenAnotherHistory() throws Exception {
        Path data = directory.resolve("data");
        try (EmbeddedPostgres server = EmbeddedPostgres.start(data, Map.of("synchronous_commit", "on"), false);
                CaptureFixture capture = new CaptureFixture(server, directory.resolve("spool"), "fork")) {
            capture.sql("CREATE TABLE t (id int PRIMARY KEY, v text)");
            capture.startAndAwait("public.t");
            capture.sql("INSERT INTO t VALUES (1)");
            capture.awaitAll();
            capture.stop();
            server.stop(EmbeddedPostgres.StopMode.FAST);
            copy(data, directory.resolve("snapshot"));
            server.startAgain();
            capture.start();
            capture.sql("INSERT INTO t VALUES (2)");
            capture.awaitAll();
            assertEquals(List.of("insert t +[1, null]", "insert t +[2, null]"), capture.changes());
            capture.stop();
            server.stop(EmbeddedPostgres.StopMode.FAST);

            delete(data);
            copy(directory.resolve("snapshot"), data);
            server.startAgain();
            // As long as the lost one and longer, so that positions alone tell nothing.
            capture.sql(
                    "INSERT INTO t VALUES (3)",
                    "INSERT INTO t SELECT n, repeat('x', 900) FROM generate_series(4, 999) n");
            capture.start();
            CaptureFixture.await("capture stops", () -> capture.daemon().board().state() == CaptureState.STOPPED);
            String error = capture.daemon().board().error();
            assertTrue(error.contains("its history is not the one we captured"), error);
            assertEquals(2, capture.transactions().size());
        }
    }

    /** Not the master but our disk went back: a torn end is read again, but not what the master was told is durable. */
    @Test
    void r16ShouldTellASpoolThatLostItsEndFromAnotherHistory() throws Exception {
        Path spool = directory.resolve("spool");
        try (EmbeddedPostgres server = EmbeddedPostgres.builder()
                        // Commits are in the log when they return: the test asks how far the log reaches.
                        .setting("synchronous_commit", "on")
                        .start();
                CaptureFixture capture = new CaptureFixture(server, spool, "torn")) {
            capture.sql("CREATE TABLE t (id int PRIMARY KEY)");
            capture.startAndAwait("public.t");
            capture.sql("INSERT INTO t VALUES (1)");
            capture.awaitAll();
            Path segment = spool.resolve("segment-0000000001.open");
            long before = Files.size(segment);
            capture.sql("INSERT INTO t VALUES (2)");
            capture.awaitAll();
            String end = capture.query("SELECT pg_current_wal_lsn()");
            CaptureFixture.await(
                    "the master was told",
                    () -> capture.query("SELECT 1 FROM pg_replication_slots WHERE confirmed_flush_lsn >= '" + end + "'")
                            != null);
            copy(spool, directory.resolve("crashed"));
            capture.stop();
            delete(spool);
            copy(directory.resolve("crashed"), spool);
            try (FileChannel file = FileChannel.open(segment, StandardOpenOption.WRITE)) {
                file.truncate(before + 10);
            }

            capture.start();

            CaptureFixture.await("capture stops", () -> capture.daemon().board().state() == CaptureState.STOPPED);
            String error = capture.daemon().board().error();
            assertTrue(
                    error.contains("the spool is damaged: 10 bytes of " + segment + " behind offset " + before), error);
            assertTrue(error.contains("but the master had been told that they are durable"), error);
            assertTrue(error.contains("--new-epoch"), error);
            assertEquals(
                    ErrorCode.DAMAGE,
                    assertThrows(ReplicatorException.class, capture.daemon()::awaitEnd)
                            .code());
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
        // The server insists on a directory that is its own.
        Files.setPosixFilePermissions(to, Files.getPosixFilePermissions(from));
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
