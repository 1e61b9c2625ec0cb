package dev.replicator.launcher.bench;

import dev.replicator.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import org.postgresql.Driver;

/** A PostgreSQL server that a benchmark works on: an embedded one, or one that the user named. */
final class BenchServer implements AutoCloseable {
    private final String host;
    private final int port;
    private final String user;
    private final String password;
    private final EmbeddedPostgres embedded;

    private BenchServer(String host, int port, String user, String password, EmbeddedPostgres embedded) {
        this.host = host;
        this.port = port;
        this.user = user;
        this.password = password;
        this.embedded = embedded;
    }

    /** A new server in that directory, with fsync and full_page_writes on. */
    static BenchServer embedded(Path directory) throws IOException {
        EmbeddedPostgres server = EmbeddedPostgres.builder()
                .dataDirectory(directory)
                .durable(true)
                .setting("shared_buffers", "1GB")
                .setting("max_wal_size", "8GB")
                .setting("checkpoint_timeout", "30min")
                .setting("max_connections", "300")
                .setting("max_wal_senders", "60")
                .setting("max_replication_slots", "60")
                .setting("max_active_replication_origins", "200")
                .setting("max_worker_processes", "80")
                .setting("max_logical_replication_workers", "64")
                .setting("track_commit_timestamp", "on")
                .start();
        return new BenchServer("127.0.0.1", server.port(), EmbeddedPostgres.USER, "", server);
    }

    /** @param url JDBC URL with {@code user} and, if one is needed, {@code password} */
    static BenchServer given(String url) {
        Properties parts = Driver.parseURL(url, null);
        if (parts == null || parts.getProperty("user") == null) {
            throw new IllegalArgumentException(
                    "not a usable URL of a server; expected jdbc:postgresql://HOST:PORT/DATABASE?user=U&password=P");
        }
        return new BenchServer(
                parts.getProperty("PGHOST"),
                Integer.parseInt(parts.getProperty("PGPORT")),
                parts.getProperty("user"),
                parts.getProperty("password", ""),
                null);
    }

    /** Whether its processes can be looked at, because it is our own. */
    boolean isEmbedded() {
        return embedded != null;
    }

    /** CPU seconds of all its processes so far; NaN for a server that is not ours. */
    double cpuSeconds() throws IOException {
        return isEmbedded() ? Processes.treeCpuSeconds(embedded.pid()) : Double.NaN;
    }

    String user() {
        return user;
    }

    String password() {
        return password.isEmpty() ? user : password;
    }

    String jdbcUrl(String database) {
        return "jdbc:postgresql://" + host + ":" + port + "/" + database;
    }

    /** How another server connects to a database here (libpq connection string). */
    String connectionString(String database) {
        return "host=" + host + " port=" + port + " dbname=" + database + " user=" + user
                + (password.isEmpty() ? "" : " password=" + password);
    }

    Connection connect(String database) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("password", password());
        properties.setProperty("connectTimeout", "10");
        return DriverManager.getConnection(jdbcUrl(database), properties);
    }

    void execute(String database, Iterable<String> statements) throws SQLException {
        try (Connection connection = connect(database);
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    void execute(String database, String... statements) throws SQLException {
        execute(database, java.util.List.of(statements));
    }

    /** First column of the first row as text. */
    String text(String database, String sql) throws SQLException {
        try (Connection connection = connect(database);
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            result.next();
            return result.getString(1);
        }
    }

    long number(String database, String sql) throws SQLException {
        return Long.parseLong(text(database, sql));
    }

    @Override
    public void close() throws IOException {
        if (embedded != null) {
            embedded.close();
        }
    }
}
