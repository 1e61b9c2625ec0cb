package dev.replicator.capture.postgres;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** What preflight asks of the master beyond its tables. */
public final class MasterSettings {
    private static final String SERVER =
            """
            SELECT current_setting('wal_level'), current_setting('max_replication_slots')::int,
                   current_setting('max_wal_senders')::int,
                   (SELECT setting::int FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size'),
                   (SELECT count(*) FROM pg_catalog.pg_replication_slots)::int,
                   (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'walsender')::int,
                   (SELECT active FROM pg_catalog.pg_replication_slots WHERE slot_name = ?),
                   current_database(),
                   (SELECT rolreplication OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user),
                   has_database_privilege(current_database(), 'CREATE')""";
    // A dump reads a partitioned table leaf by leaf, so what hides rows of a leaf counts, too.
    private static final String TABLES =
            """
            SELECT c.oid::int8, pg_has_role(c.relowner, 'USAGE'), pg_get_userbyid(c.relowner), x.unreadable, x.hidden
              FROM pg_catalog.pg_class c
             CROSS JOIN LATERAL (
               SELECT string_agg(m.oid::regclass::text, ', ' ORDER BY m.oid) FILTER (
                        WHERE NOT has_table_privilege(m.oid, 'SELECT')
                           OR NOT has_schema_privilege(m.relnamespace, 'USAGE')) AS unreadable,
                      string_agg(m.oid::regclass::text, ', ' ORDER BY m.oid) FILTER (
                        WHERE row_security_active(m.oid)) AS hidden
                 FROM (SELECT c.oid UNION
                       SELECT relid::oid FROM pg_catalog.pg_partition_tree(c.oid) WHERE isleaf) parts(oid)
                 JOIN pg_catalog.pg_class m ON m.oid = parts.oid) x
             WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'""";

    /**
     * What our role may do with a table.
     *
     * @param owner whether it may publish it
     * @param ownerName whose it is
     * @param unreadable which of table and partitions it may not read; null when it may read all
     * @param hidden which of them have row security that may hide rows from it; null when none
     */
    public record Access(boolean owner, String ownerName, String unreadable, String hidden) {}

    private final Map<Integer, Access> access = new HashMap<>();
    private final Set<String> publications = new HashSet<>();
    private String walLevel;
    private int maxSlots;
    private int maxSenders;
    private int slotWalKeepMegabytes;
    private int slotsUsed;
    private int sendersUsed;
    private boolean slotExists;
    private boolean slotActive;
    private String database;
    private boolean mayReplicate;
    private boolean mayCreate;

    private MasterSettings() {}

    /** Asks for everything at once. */
    public static MasterSettings read(Connection sql, String slot) throws SQLException {
        MasterSettings settings = new MasterSettings();
        settings.readServer(sql, slot);
        settings.readTables(sql);
        return settings;
    }

    private void readServer(Connection sql, String slot) throws SQLException {
        try (PreparedStatement query = sql.prepareStatement(SERVER)) {
            query.setString(1, slot);
            try (ResultSet row = query.executeQuery()) {
                row.next();
                walLevel = row.getString(1);
                maxSlots = row.getInt(2);
                maxSenders = row.getInt(3);
                slotWalKeepMegabytes = row.getInt(4);
                slotsUsed = row.getInt(5);
                sendersUsed = row.getInt(6);
                slotActive = row.getBoolean(7);
                slotExists = !row.wasNull();
                database = row.getString(8);
                mayReplicate = row.getBoolean(9);
                mayCreate = row.getBoolean(10);
            }
        }
    }

    private void readTables(Connection sql) throws SQLException {
        try (PreparedStatement query = sql.prepareStatement(TABLES);
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                access.put(
                        (int) row.getLong(1),
                        new Access(row.getBoolean(2), row.getString(3), row.getString(4), row.getString(5)));
            }
        }
        try (PreparedStatement query = sql.prepareStatement("SELECT pubname FROM pg_catalog.pg_publication");
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                publications.add(row.getString(1));
            }
        }
    }

    public String walLevel() {
        return walLevel;
    }

    public int maxSlots() {
        return maxSlots;
    }

    public int maxSenders() {
        return maxSenders;
    }

    /** Negative when unlimited. */
    public int slotWalKeepMegabytes() {
        return slotWalKeepMegabytes;
    }

    public int slotsUsed() {
        return slotsUsed;
    }

    public int sendersUsed() {
        return sendersUsed;
    }

    public boolean slotExists() {
        return slotExists;
    }

    /** Whether capture is running already. */
    public boolean slotActive() {
        return slotActive;
    }

    public String database() {
        return database;
    }

    public boolean mayReplicate() {
        return mayReplicate;
    }

    /** Whether the role may create a publication in the database. */
    public boolean mayCreate() {
        return mayCreate;
    }

    public boolean publicationExists(String name) {
        return publications.contains(name);
    }

    /** For a table of the same moment; one that came later counts as accessible. */
    public Access access(int tableId) {
        return access.getOrDefault(tableId, new Access(true, "", null, null));
    }
}
