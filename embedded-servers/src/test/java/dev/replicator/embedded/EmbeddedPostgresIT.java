package dev.replicator.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.embedded.EmbeddedPostgres.StopMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class EmbeddedPostgresIT {
    @Test
    void shouldKeepCommittedRowsWhenKilledAndStartedAgainOnTheSamePort(@TempDir Path directory) throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.start(directory.resolve("data"), Map.of(), true)) {
            server.execute("postgres", "CREATE TABLE t (id int)", "INSERT INTO t VALUES (7)");
            int port = server.port();
            long pid = server.pid();

            server.kill9();
            assertFalse(server.isRunning());
            assertThrows(SQLException.class, () -> server.connect("postgres"));
            server.startAgain();

            assertEquals(port, server.port());
            assertNotEquals(pid, server.pid());
            assertEquals("7", query(server, "SELECT id FROM t"));
            server.stop(StopMode.FAST);
            server.startAgain();
            assertEquals("7", query(server, "SELECT id FROM t"));
        }
    }

    @Test
    void shouldRunDurablyOnlyWhenAsked(@TempDir Path directory) throws Exception {
        try (EmbeddedPostgres durable =
                EmbeddedPostgres.start(directory.resolve("data"), Map.of("max_wal_senders", "5"), true)) {
            assertEquals("on", query(durable, "SHOW fsync"));
            assertEquals("on", query(durable, "SHOW synchronous_commit"));
            assertEquals("logical", query(durable, "SHOW wal_level"));
            assertEquals("5", query(durable, "SHOW max_wal_senders"));
        }
        try (EmbeddedPostgres fast = EmbeddedPostgres.start()) {
            assertEquals("off", query(fast, "SHOW fsync"));
        }
    }

    @Test
    void shouldRemoveTheTemporaryDirectoryOnClose() throws Exception {
        EmbeddedPostgres server = EmbeddedPostgres.start();
        Path data = server.dataDirectory();
        assertTrue(Files.exists(data.resolve("PG_VERSION")));
        server.close();
        assertFalse(Files.exists(data));
    }

    @Test
    void shouldShowTheServersLogWhenItDoesNotStart(@TempDir Path directory) {
        IOException failure = assertThrows(
                IOException.class,
                () -> EmbeddedPostgres.start(directory.resolve("data"), Map.of("shared_buffers", "nonsense"), false));
        assertTrue(failure.getMessage().contains("nonsense"), failure.getMessage());
    }

    private static String query(EmbeddedPostgres server, String sql) throws SQLException {
        try (Connection connection = server.connect("postgres");
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }
}
