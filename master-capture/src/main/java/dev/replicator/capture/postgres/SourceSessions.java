package dev.replicator.capture.postgres;

import dev.replicator.dumps.postgres.SessionPins;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Locale;
import java.util.Objects;
import java.util.Properties;

/**
 * Opens sessions on the master, pinned: whatever the role or the database has been given as settings, values look the
 * same in all of them, and nothing of ours is hidden, cut off or made to wait for ourselves (rules R12, R21).
 */
public final class SourceSessions {
    private final String url;
    private final String user;
    private final String password;

    /**
     * @param url JDBC URL of the master's database
     * @param user role
     * @param password its password, or empty
     */
    public SourceSessions(String url, String user, String password) {
        this.url = Objects.requireNonNull(url, "url");
        this.user = Objects.requireNonNull(user, "user");
        this.password = Objects.requireNonNull(password, "password");
    }

    /** Where to, for messages; without user and password. */
    public String target() {
        int query = url.indexOf('?');
        return query < 0 ? url : url.substring(0, query);
    }

    /**
     * An SQL session in autocommit mode.
     *
     * @param job what it does, for {@code application_name}
     * @param answerSeconds longest wait for an answer of the server; 0 for no limit
     */
    public Connection open(String job, int answerSeconds) throws SQLException {
        Properties properties = properties(job);
        properties.setProperty("socketTimeout", Integer.toString(answerSeconds));
        return pinned(
                DriverManager.getConnection(url, properties), connection -> SessionPins.pinMaster(connection, job));
    }

    /**
     * A session for the replication protocol; it takes simple SQL statements, too.
     *
     * @param socketKey by which {@link PollSocket.Factory#take} gives its socket
     */
    Connection openReplication(String job, String socketKey) throws SQLException {
        Properties properties = properties(job);
        properties.setProperty("replication", "database");
        properties.setProperty("preferQueryMode", "simple");
        properties.setProperty("socketFactory", PollSocket.Factory.class.getName());
        properties.setProperty("socketFactoryArg", socketKey);
        return pinned(DriverManager.getConnection(url, properties), connection -> SessionPins.pin(connection, job));
    }

    private Properties properties(String job) {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        if (!password.isEmpty()) {
            properties.setProperty("password", password);
        }
        properties.setProperty("ApplicationName", job);
        properties.setProperty("assumeMinServerVersion", "14");
        properties.setProperty("connectTimeout", "10");
        properties.setProperty("tcpKeepAlive", "true");
        SessionPins.beginPinned(properties);
        return properties;
    }

    private interface Pinning {
        void pin(Connection connection) throws SQLException;
    }

    private static Connection pinned(Connection connection, Pinning pinning) throws SQLException {
        try {
            pinning.pin(connection);
            return connection;
        } catch (SQLException e) {
            closeQuietly(connection, e);
            throw e;
        }
    }

    private static void closeQuietly(Connection connection, SQLException reason) {
        try {
            connection.close();
        } catch (SQLException e) {
            reason.addSuppressed(e);
        }
    }

    /** Whether the server or the way to it failed, so that trying again later makes sense (rule R23's weather). */
    public static boolean isWeather(SQLException e) {
        String state = e.getSQLState();
        if (state == null || state.length() < 2) {
            return true;
        }
        return switch (state.substring(0, 2).toUpperCase(Locale.ROOT)) {
            case "08", "40", "53", "57", "58" -> true;
            default -> "55P03".equals(state) || "55006".equals(state);
        };
    }
}
