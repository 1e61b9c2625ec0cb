package dev.replicator.slave.postgres;

import dev.replicator.dumps.postgres.SessionPins;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;

/**
 * Opens sessions on the slave's database with everything pinned that changes how values are read or how rows are
 * written (rule R12), so that settings of the role or the database cannot bend them.
 */
public final class TargetSession {
    private static final String APPLYING = "SET synchronous_commit = off; SET jit = off; "
            // Rows are found by key: a table without fresh statistics must not be read whole for a handful of rows.
            + "SET enable_seqscan = off; "
            // The same few statements in every batch: planned once. No plan depends on the values.
            + "SET plan_cache_mode = force_generic_plan";

    /** An advisory lock's 64 bits stand in two columns. */
    private static final String LOCK_HOLDER =
            """
            SELECT 'pid ' || a.pid || coalesce(' of ' || host(a.client_addr), '') || ', connected since '
                   || date_trunc('second', a.backend_start)
            FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended(?, 0)
            """;

    private TargetSession() {}

    /**
     * Opens a pinned session in auto-commit mode. Origin triggers and foreign keys are off in it if the role may set
     * {@code session_replication_role}; ask {@link #isReplica}.
     *
     * @param url JDBC URL
     * @param user role
     * @param password password, may be null
     * @param purpose shown in pg_stat_activity after {@code replicator }, for example {@code slave reporting main}
     */
    public static Connection open(String url, String user, String password, String purpose) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        if (password != null) {
            properties.setProperty("password", password);
        }
        String name = "replicator " + purpose;
        properties.setProperty("ApplicationName", name);
        properties.setProperty("tcpKeepAlive", "true");
        properties.setProperty("connectTimeout", "10");
        // Results come as the server's text, which is what row images hold.
        properties.setProperty("binaryTransfer", "false");
        // A closed statement is deallocated: its plan must not outlive a change of the table.
        properties.setProperty("preparedStatementCacheQueries", "0");
        SessionPins.beginPinned(properties);
        Connection connection = DriverManager.getConnection(url, properties);
        try {
            SessionPins.pin(connection, name);
            prepareToApply(connection);
        } catch (SQLException e) {
            connection.close();
            throw e;
        }
        return connection;
    }

    private static void prepareToApply(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(APPLYING);
            try {
                statement.execute("SET session_replication_role = replica");
            } catch (SQLException e) {
                if (!"42501".equals(e.getSQLState())) {
                    throw e;
                }
            }
        }
    }

    /** True when origin triggers and foreign keys do not act in this session. */
    public static boolean isReplica(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SHOW session_replication_role")) {
            rows.next();
            return rows.getString(1).equals("replica");
        }
    }

    /**
     * Takes the session lock that keeps a second daemon of the same slave out (rule R10). Held until the session ends.
     *
     * @return false when another session holds it
     */
    public static boolean tryLock(Connection connection, String cluster, String slave) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT pg_try_advisory_lock(hashtextextended(?, 0))")) {
            statement.setString(1, lockName(cluster, slave));
            try (ResultSet rows = statement.executeQuery()) {
                rows.next();
                return rows.getBoolean(1);
            }
        }
    }

    /** Who holds the lock of {@link #tryLock}, for people: the session's process id, its client, and since when. */
    public static String lockHolder(Connection connection, String cluster, String slave) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(LOCK_HOLDER)) {
            statement.setString(1, lockName(cluster, slave));
            try (ResultSet rows = statement.executeQuery()) {
                return rows.next() ? rows.getString(1) : "its session has just ended";
            }
        }
    }

    /** The statement with which an operator ends all sessions of a slave's daemon. */
    public static String endOfSessions(String slave) {
        return "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                + " AND application_name LIKE 'replicator slave " + slave.replace("'", "''") + "%'";
    }

    private static String lockName(String cluster, String slave) {
        return "replicator slave " + cluster + "/" + slave;
    }
}
