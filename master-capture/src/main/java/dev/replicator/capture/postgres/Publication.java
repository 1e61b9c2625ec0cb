package dev.replicator.capture.postgres;

import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;

/**
 * Our publication. It lists tables by name, one statement for each; it is created before the slot and dropped only by an
 * operator (rules R08, R21).
 */
public final class Publication {
    private static final int FIRST_WITH_FILTERS = 150000;
    private static final String STATE =
            """
            SELECT p.oid::int8, p.puballtables, p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate, p.pubviaroot
              FROM pg_catalog.pg_publication p WHERE p.pubname = ?""";
    private static final String FILTERS =
            """
            SELECT r.prrelid::regclass::text FROM pg_catalog.pg_publication_rel r
             WHERE r.prpubid = ?::int8::oid AND (r.prqual IS NOT NULL OR r.prattrs IS NOT NULL)
            UNION ALL
            SELECT 'schema ' || s.pnnspid::regnamespace::text FROM pg_catalog.pg_publication_namespace s
             WHERE s.pnpubid = ?::int8::oid""";

    private final String name;

    public Publication(String name) {
        this.name = name;
    }

    public String name() {
        return name;
    }

    /** Empty when it does not exist. */
    public Optional<PublicationState> state(Connection sql, int serverVersion) throws SQLException {
        try (PreparedStatement query = sql.prepareStatement(STATE)) {
            query.setString(1, name);
            try (ResultSet row = query.executeQuery()) {
                if (!row.next()) {
                    return Optional.empty();
                }
                long oid = row.getLong(1);
                String defect = defect(row.getBoolean(2), row.getBoolean(3), row.getBoolean(4));
                if (defect.isEmpty() && serverVersion >= FIRST_WITH_FILTERS) {
                    defect = filters(sql, oid);
                }
                return Optional.of(new PublicationState(oid, defect));
            }
        }
    }

    /** Creates it, without tables. */
    public void create(Connection sql) throws SQLException {
        execute(sql, "CREATE PUBLICATION " + TableName.quote(name) + " WITH (publish_via_partition_root = true)");
    }

    /** Adds one table. For an ordinary table its inheritance children are not meant. */
    public void add(Connection sql, TableName table) throws SQLException {
        execute(sql, "ALTER PUBLICATION " + TableName.quote(name) + " ADD TABLE ONLY " + table.quoted());
    }

    public void remove(Connection sql, TableName table) throws SQLException {
        execute(sql, "ALTER PUBLICATION " + TableName.quote(name) + " DROP TABLE ONLY " + table.quoted());
    }

    public void drop(Connection sql) throws SQLException {
        execute(sql, "DROP PUBLICATION IF EXISTS " + TableName.quote(name));
    }

    /** oid of a table's row in pg_publication_rel; 0 when the table is not in the publication. */
    public long rowOf(Connection sql, int tableId) throws SQLException {
        try (PreparedStatement query = sql.prepareStatement(
                "SELECT r.oid::int8 FROM pg_catalog.pg_publication_rel r"
                        + " JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid WHERE p.pubname = ? AND r.prrelid = ?::int8::oid")) {
            query.setString(1, name);
            query.setLong(2, Integer.toUnsignedLong(tableId));
            try (ResultSet row = query.executeQuery()) {
                return row.next() ? row.getLong(1) : 0;
            }
        }
    }

    private String defect(boolean allTables, boolean allOperations, boolean viaRoot) {
        String alter = "ALTER PUBLICATION " + TableName.quote(name) + " SET ";
        if (allTables) {
            return "is FOR ALL TABLES, which makes the application's UPDATE fail on tables without replica identity";
        }
        if (!allOperations) {
            return "does not publish every operation: " + alter + "(publish = 'insert, update, delete, truncate')";
        }
        return viaRoot ? "" : "publishes partitions, not their root: " + alter + "(publish_via_partition_root = true)";
    }

    private static String filters(Connection sql, long oid) throws SQLException {
        try (PreparedStatement query = sql.prepareStatement(FILTERS)) {
            query.setLong(1, oid);
            query.setLong(2, oid);
            try (ResultSet row = query.executeQuery()) {
                return row.next()
                        ? "has a row filter, a column list or a whole schema in it (" + row.getString(1) + ")"
                        : "";
            }
        }
    }

    private static void execute(Connection sql, String statement) throws SQLException {
        try (Statement run = sql.createStatement()) {
            run.execute(statement);
        }
    }
}
