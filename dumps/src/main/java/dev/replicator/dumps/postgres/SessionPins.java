package dev.replicator.dumps.postgres;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;

/**
 * Settings that every session of ours has, whatever the server, the database or the role say (rule R12): else a dump, the
 * stream and the apply session disagree about the text of one value. The only place that knows them: walsender, dump and
 * apply sessions all come here.
 */
public final class SessionPins {
    private static final int TRANSACTION_TIMEOUT_SINCE = 17;

    private static final Map<String, String> SETTINGS = new LinkedHashMap<>();

    static {
        // How values look as text, and how text is read.
        SETTINGS.put("client_encoding", "UTF8");
        SETTINGS.put("DateStyle", "ISO, YMD");
        SETTINGS.put("IntervalStyle", "postgres");
        SETTINGS.put("TimeZone", "UTC");
        SETTINGS.put("extra_float_digits", "1");
        SETTINGS.put("bytea_output", "hex");
        SETTINGS.put("lc_monetary", "C");
        SETTINGS.put("xmloption", "content");
        SETTINGS.put("array_nulls", "on");
        SETTINGS.put("standard_conforming_strings", "on");
        // How definitions look.
        SETTINGS.put("search_path", "");
        SETTINGS.put("quote_all_identifiers", "off");
        // Hidden rows are an error.
        SETTINGS.put("row_security", "off");
        // Nothing ends a session or a statement but we.
        SETTINGS.put("statement_timeout", "0");
        SETTINGS.put("lock_timeout", "0");
        SETTINGS.put("idle_in_transaction_session_timeout", "0");
        SETTINGS.put("idle_session_timeout", "0");
        // A serializable, deferrable transaction would wait for a safe snapshot; a read-only one could not write.
        SETTINGS.put("default_transaction_isolation", "read committed");
        SETTINGS.put("default_transaction_read_only", "off");
        SETTINGS.put("default_transaction_deferrable", "off");
    }

    private SessionPins() {}

    /** Settings by name, for a server of this major version. */
    public static Map<String, String> settings(int serverMajorVersion) {
        Map<String, String> settings = new LinkedHashMap<>(SETTINGS);
        if (serverMajorVersion >= TRANSACTION_TIMEOUT_SINCE) {
            settings.put("transaction_timeout", "0");
        }
        return settings;
    }

    /**
     * Lets a connection begin with the settings that all servers know, so that not even the statement that pins it can be
     * bent or cut off. To be followed by {@link #pin}, which also holds where a URL brings options of its own.
     */
    public static void beginPinned(Properties connectionProperties) {
        connectionProperties.setProperty(
                "options",
                SETTINGS.entrySet().stream()
                        .map(setting -> "-c " + setting.getKey() + "="
                                + setting.getValue().replace(" ", "\\ "))
                        .collect(Collectors.joining(" ")));
    }

    /** Pins a session on a target, or a walsender. */
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
