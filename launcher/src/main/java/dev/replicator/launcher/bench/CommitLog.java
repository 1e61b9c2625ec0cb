package dev.replicator.launcher.bench;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Map;

/**
 * When rows of a database were committed there, by the commit records of the server's own WAL: nobody has to poll, and
 * reading happens behind the measured time. {@code pg_xact_commit_timestamp} would not do: in a transaction that native
 * replication applied it is the master's time, because the apply worker sets a replication origin.
 */
final class CommitLog {
    private static final String EXTENSION = "pg_walinspect";

    private final BenchServer server;
    private final String database;
    private String begin;

    CommitLog(BenchServer server, String database) {
        this.server = server;
        this.database = database;
    }

    /** Refuses servers whose WAL cannot be read with SQL. */
    static void require(BenchServer server) throws SQLException {
        long available = server.number(
                "postgres", "SELECT count(*) FROM pg_available_extensions WHERE name = '" + EXTENSION + "'");
        if (available == 0) {
            throw new IllegalArgumentException("bench lag reads commit times with the extension " + EXTENSION
                    + ", which " + server.jdbcUrl("postgres") + " does not have; install PostgreSQL 15 or newer with"
                    + " its contrib modules there");
        }
    }

    void install() throws SQLException {
        server.execute(database, "CREATE EXTENSION " + EXTENSION);
    }

    /** What is committed from here on counts. */
    void begin() throws SQLException {
        begin = server.text(database, "SELECT pg_current_wal_insert_lsn()");
    }

    /**
     * Commit times since {@link #begin}, microseconds since 1970.
     *
     * @param table with a column {@code id bigint}; each row must be as its insert left it
     */
    Map<Long, Long> times(String table) throws SQLException {
        try (Connection connection = server.connect(database);
                Statement statement = connection.createStatement()) {
            statement.execute("SET synchronous_commit = local");
            statement.execute("SET timezone = 'UTC'");
            // What was committed without waiting for the disk cannot be read before it is there.
            statement.execute("SELECT pg_logical_emit_message(true, 'bench', '')");
            return read(connection, table);
        }
    }

    private Map<Long, Long> read(Connection connection, String table) throws SQLException {
        String sql = "SELECT t.id, (extract(epoch FROM c.at) * 1000000)::bigint FROM " + table + " t JOIN ("
                + "SELECT xid, split_part(description, ';', 1)::timestamptz AS at"
                + " FROM pg_get_wal_records_info(?::pg_lsn, pg_current_wal_flush_lsn())"
                + " WHERE resource_manager = 'Transaction' AND record_type = 'COMMIT') c ON c.xid = t.xmin";
        Map<Long, Long> times = new HashMap<>();
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setString(1, begin);
            try (ResultSet result = statement.executeQuery()) {
                while (result.next()) {
                    times.put(result.getLong(1), result.getLong(2));
                }
            }
        }
        return times;
    }
}
