package dev.replicator.dumps.postgres;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Settings that every session of ours has, whatever the server, the database or the role say (rule R12): else a dump, the
 * stream and the apply session disagree about the text of one value.
 */
public final class SessionPins {
    private static final int TRANSACTION_TIMEOUT_SINCE = 17;

    private SessionPins() {}

    /** Settings by name, for a server of this major version. The walsender takes them by the {@code options} parameter. */
    public static Map<String, String> settings(int serverMajorVersion) {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("client_encoding", "UTF8");
        settings.put("DateStyle", "ISO");
        settings.put("IntervalStyle", "postgres");
        settings.put("TimeZone", "UTC");
        settings.put("extra_float_digits", "1");
        settings.put("bytea_output", "hex");
        settings.put("lc_monetary", "C");
        settings.put("xmloption", "content");
        settings.put("search_path", "");
        settings.put("row_security", "off");
        settings.put("quote_all_identifiers", "off");
        settings.put("statement_timeout", "0");
        settings.put("lock_timeout", "0");
        settings.put("idle_in_transaction_session_timeout", "0");
        if (serverMajorVersion >= TRANSACTION_TIMEOUT_SINCE) {
            settings.put("transaction_timeout", "0");
        }
        return settings;
    }

    /** Pins a session on a target. */
    public static void pin(Connection connection, String applicationName) throws SQLException {
        Map<String, String> settings = settings(connection.getMetaData().getDatabaseMajorVersion());
        settings.put("application_name", applicationName);
        apply(connection, settings);
    }

    /** Pins a session on the master: it also never waits for a standby (rule R21). */
    public static void pinMaster(Connection connection, String applicationName) throws SQLException {
        Map<String, String> settings = settings(connection.getMetaData().getDatabaseMajorVersion());
        settings.put("application_name", applicationName);
        settings.put("synchronous_commit", "local");
        apply(connection, settings);
    }

    private static void apply(Connection connection, Map<String, String> settings) throws SQLException {
        String sql = "SELECT "
                + String.join(
                        ", ",
                        settings.keySet().stream()
                                .map(name -> "pg_catalog.set_config(?, ?, false)")
                                .toList());
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            int parameter = 1;
            for (Map.Entry<String, String> setting : settings.entrySet()) {
                statement.setString(parameter++, setting.getKey());
                statement.setString(parameter++, setting.getValue());
            }
            statement.execute();
        }
    }
}
