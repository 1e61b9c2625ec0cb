package dev.replicator.capture.postgres;

import dev.replicator.queue.CatalogFacts;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.Lsn;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.TableSchemas;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Questions to the master's catalogue, each one statement without locks on tables. */
public final class Catalog {
    private static final String SLOT =
            """
            SELECT plugin, database, database IS DISTINCT FROM current_database(), coalesce(active_pid, 0), confirmed_flush_lsn::text,
                   coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::int8,
                   coalesce(safe_wal_size, -1), coalesce(wal_status = 'lost', false)
              FROM pg_catalog.pg_replication_slots WHERE slot_name = ?""";

    private static final String BLOCKS =
            """
            WITH RECURSIVE part(root, oid) AS (
              SELECT t.oid, t.oid FROM unnest(?::int8[]) t(oid)
              UNION ALL
              SELECT p.root, i.inhrelid::int8 FROM part p
                JOIN pg_catalog.pg_inherits i ON i.inhparent = p.oid::oid
                JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relispartition)
            SELECT p.root, sum(greatest(c.relpages, 0))::int8
              FROM part p JOIN pg_catalog.pg_class c ON c.oid = p.oid::oid GROUP BY p.root""";

    // $1 oid, then name, type oid and modifier, declared type, identity: what a Relation message would say.
    private static final String COLUMNS =
            """
            WITH RECURSIVE base(oid, typ) AS (
              SELECT t.oid, t.oid FROM pg_catalog.pg_type t
               WHERE t.oid IN (SELECT atttypid FROM pg_catalog.pg_attribute WHERE attrelid = ?::int8::oid)
              UNION ALL
              SELECT b.oid, t.typbasetype FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typ
               WHERE t.typtype = 'd')
            SELECT a.attname, a.atttypid::int8, a.atttypmod,
                   CASE n.nspname WHEN 'pg_catalog' THEN '' ELSE n.nspname END, t.typname,
                   c.relreplident = 'f' OR EXISTS (
                     SELECT FROM pg_catalog.pg_index i
                      WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey)
                        AND (c.relreplident = 'd' AND i.indisprimary AND i.indimmediate
                             OR c.relreplident = 'i' AND i.indisreplident)),
                   c.relreplident::text, cn.nspname, c.relname
              FROM pg_catalog.pg_attribute a
              JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
              JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
              JOIN base b ON b.oid = a.atttypid
              JOIN pg_catalog.pg_type t ON t.oid = b.typ AND t.typtype <> 'd'
              JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
             WHERE a.attrelid = ?::int8::oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
             ORDER BY a.attnum""";

    private static final String ATTRIBUTES =
            """
            SELECT attrelid::int8, md5(string_agg(attnum || ':' || xmin::text, ',' ORDER BY attnum))
              FROM pg_catalog.pg_attribute WHERE attnum > 0 AND attrelid = ANY (?::int8[]::oid[])
             GROUP BY attrelid""";

    private static final String FACTS =
            """
            SELECT c.oid::int8,
                   md5(concat_ws(';',
                     (SELECT string_agg(a.attnum || ':' || a.xmin::text, ',' ORDER BY a.attnum)
                        FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0),
                     (SELECT string_agg(k.oid || ':' || k.xmin::text, ',' ORDER BY k.oid)
                        FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x', 'c')),
                     (SELECT string_agg(i.indexrelid::text, ',' ORDER BY i.indexrelid)
                        FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique))),
                   m.attname, (m.attmissingval::text::text[])[1]
              FROM pg_catalog.pg_class c
              LEFT JOIN pg_catalog.pg_attribute m ON m.attrelid = c.oid AND m.attnum > 0 AND m.atthasmissing
                AND NOT m.attisdropped
             WHERE c.oid = ANY (?::int8[]::oid[])""";

    // Rule R01, finer form: who holds a lock under which rows may have been written before the table was published.
    private static final String WRITERS =
            """
            SELECT DISTINCT x.transactionid::text::int8
              FROM pg_catalog.pg_locks w
              JOIN pg_catalog.pg_locks x
                ON x.virtualtransaction = w.virtualtransaction AND x.locktype = 'transactionid'
               AND x.mode = 'ExclusiveLock' AND x.granted
             WHERE w.locktype = 'relation' AND w.granted AND w.relation = ANY (?::int8[]::oid[])
               AND w.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
               AND w.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')""";

    /** Since when a stranger's transaction runs the server tells only a role with pg_read_all_stats. */
    private static final String HOLDERS =
            """
            SELECT 'pid ' || pid || ', transaction ' || backend_xid
                   || coalesce(', for ' || date_trunc('second', clock_timestamp() - xact_start), '')
                   || CASE WHEN wait_event = 'SyncRep' THEN ' (its commit waits for synchronous_standby_names)'
                      ELSE ' (at worst: SELECT pg_terminate_backend(' || pid || '))' END
              FROM pg_catalog.pg_stat_activity
             WHERE (backend_xid::text::int8 & 4294967295) = ANY (?::int8[])
            UNION ALL
            SELECT 'prepared transaction ' || quote_literal(gid) || ', transaction ' || transaction || ', for '
                   || date_trunc('second', clock_timestamp() - prepared)
                   || ' (COMMIT PREPARED ' || quote_literal(gid) || ' or ROLLBACK PREPARED ' || quote_literal(gid) || ')'
              FROM pg_catalog.pg_prepared_xacts
             WHERE (transaction::text::int8 & 4294967295) = ANY (?::int8[])""";

    private static final String RUNNING =
            """
            SELECT 'pid ' || pid || ', transaction ' || backend_xid
                   || coalesce(', for ' || date_trunc('second', clock_timestamp() - xact_start), '')
                   || CASE WHEN wait_event = 'SyncRep' THEN ' (its commit waits for synchronous_standby_names: name'
                      || ' capture there only once its slot exists)'
                      ELSE ' (at worst: SELECT pg_terminate_backend(' || pid || '))' END
              FROM pg_catalog.pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
            UNION ALL
            SELECT 'prepared transaction ' || quote_literal(gid) || ', transaction ' || transaction || ', for '
                   || date_trunc('second', clock_timestamp() - prepared)
                   || ' (COMMIT PREPARED ' || quote_literal(gid) || ' or ROLLBACK PREPARED ' || quote_literal(gid) || ')'
              FROM pg_catalog.pg_prepared_xacts""";

    private Catalog() {}

    /** {@code server_version_num}, for example 180004. */
    public static int serverVersion(Connection sql) throws SQLException {
        return (int) Long.parseLong(text(sql, "SHOW server_version_num"));
    }

    /** The snapshot of this moment. */
    public static Snapshot snapshot(Connection sql) throws SQLException {
        return Snapshot.parse(text(sql, "SELECT pg_catalog.pg_current_snapshot()::text"));
    }

    /** End of the WAL that is on the master's disk. */
    public static long flushLsn(Connection sql) throws SQLException {
        return Lsn.parse(text(sql, "SELECT pg_catalog.pg_current_wal_flush_lsn()::text"));
    }

    /** Where the last checkpoint record stands. */
    public static long checkpointLsn(Connection sql) throws SQLException {
        return Lsn.parse(text(sql, "SELECT checkpoint_lsn::text FROM pg_catalog.pg_control_checkpoint()"));
    }

    /** Whether commits wait for what the walsender of this pid is told. */
    public static boolean isSynchronousStandby(Connection sql, int pid) throws SQLException {
        try (PreparedStatement query = sql.prepareStatement(
                "SELECT sync_state IN ('sync', 'quorum') FROM pg_catalog.pg_stat_replication WHERE pid = ?")) {
            query.setInt(1, pid);
            try (ResultSet row = query.executeQuery()) {
                return row.next() && row.getBoolean(1);
            }
        }
    }

    /** A transaction id of its own, in a transaction of its own. */
    public static long freshTransactionId(Connection sql) throws SQLException {
        return Long.parseLong(text(sql, "SELECT pg_catalog.pg_current_xact_id()::text"));
    }

    /** Commits a logical message of ours and returns when it is on the master's disk (rule R15). */
    public static void emitMessage(Connection sql, String content) throws SQLException {
        try (PreparedStatement emit =
                sql.prepareStatement("SELECT pg_catalog.pg_logical_emit_message(true, 'replicator', ?::text)::text")) {
            emit.setString(1, content);
            emit.execute();
        }
    }

    public static Optional<SlotState> slot(Connection sql, String name) throws SQLException {
        try (PreparedStatement query = sql.prepareStatement(SLOT)) {
            query.setString(1, name);
            try (ResultSet row = query.executeQuery()) {
                if (!row.next()) {
                    return Optional.empty();
                }
                String confirmed = row.getString(5);
                return Optional.of(new SlotState(
                        row.getString(1),
                        row.getString(2),
                        row.getBoolean(3),
                        row.getLong(4),
                        confirmed == null ? 0 : Lsn.parse(confirmed),
                        row.getLong(6),
                        row.getLong(7),
                        row.getBoolean(8)));
            }
        }
    }

    /** Text that changes when a column of a table changes, by oid of the table. */
    public static Map<Integer, String> attributes(Connection sql, Collection<Integer> tables) throws SQLException {
        return byOid(sql, ATTRIBUTES, tables, row -> row.getString(2));
    }

    /** What SCHEMA records say of tables beside the stream's description, by oid. */
    public static Map<Integer, CatalogFacts> facts(Connection sql, Collection<Integer> tables) throws SQLException {
        Map<Integer, String> marks = new HashMap<>();
        Map<Integer, Map<String, String>> missing = new HashMap<>();
        try (PreparedStatement query = sql.prepareStatement(FACTS)) {
            query.setArray(1, oids(sql, tables));
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    int oid = (int) row.getLong(1);
                    marks.put(oid, row.getString(2));
                    Map<String, String> values = missing.computeIfAbsent(oid, id -> new HashMap<>());
                    if (row.getString(4) != null) {
                        values.put(row.getString(3), row.getString(4));
                    }
                }
            }
        }
        Map<Integer, CatalogFacts> facts = new HashMap<>();
        marks.forEach((oid, mark) -> facts.put(oid, new CatalogFacts(mark, missing.get(oid))));
        return facts;
    }

    /** Blocks of each table, partitions included, as the server last counted them; asks for no lock. */
    public static Map<Integer, Long> blocks(Connection sql, Collection<Integer> tables) throws SQLException {
        return byOid(sql, BLOCKS, tables, row -> row.getLong(2));
    }

    /** What a query says of tables, whose oid is its first column. */
    private static <T> Map<Integer, T> byOid(Connection sql, String text, Collection<Integer> tables, RowValue<T> value)
            throws SQLException {
        Map<Integer, T> found = new HashMap<>();
        try (PreparedStatement query = sql.prepareStatement(text)) {
            query.setArray(1, oids(sql, tables));
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    found.put((int) row.getLong(1), value.of(row));
                }
            }
        }
        return found;
    }

    private interface RowValue<T> {
        T of(ResultSet row) throws SQLException;
    }

    /** 32-bit ids of transactions that may have written to one of the tables and are still running. */
    public static List<Integer> writers(Connection sql, Collection<Integer> tables) throws SQLException {
        List<Integer> ids = new ArrayList<>();
        try (PreparedStatement query = sql.prepareStatement(WRITERS)) {
            query.setArray(1, oids(sql, tables));
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    ids.add((int) row.getLong(1));
                }
            }
        }
        return ids;
    }

    /** Names those of the transactions that still run: pid or gid, id, age. */
    public static List<String> describe(Connection sql, Collection<Long> transactionIds) throws SQLException {
        Object[] low =
                transactionIds.stream().map(id -> id & 0xFFFFFFFFL).distinct().toArray();
        try (PreparedStatement query = sql.prepareStatement(HOLDERS)) {
            Array ids = sql.createArrayOf("int8", low);
            query.setArray(1, ids);
            query.setArray(2, ids);
            return texts(query);
        }
    }

    /** Every transaction that runs now and has an id: whom the creation of a slot waits for. */
    public static List<String> running(Connection sql) throws SQLException {
        try (PreparedStatement query = sql.prepareStatement(RUNNING)) {
            return texts(query);
        }
    }

    /** True when the partition has no row that this session sees. */
    public static boolean isEmpty(Connection sql, int leaf) throws SQLException {
        try (PreparedStatement name = sql.prepareStatement("SELECT n.nspname, c.relname FROM pg_catalog.pg_class c"
                + " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ?::int8::oid")) {
            name.setLong(1, Integer.toUnsignedLong(leaf));
            try (ResultSet row = name.executeQuery()) {
                if (!row.next()) {
                    return true;
                }
                TableName table = new TableName(row.getString(1), row.getString(2));
                return "false".equals(text(sql, "SELECT EXISTS (SELECT FROM ONLY " + table.quoted() + ")::text"));
            }
        }
    }

    /**
     * A table's definition from the catalogue, in the form the stream would give it. Announces a table of which the
     * stream has said nothing yet; blocks are encoded by the stream's own description alone (rule R06).
     */
    public static Optional<TableSchema> describeTable(Connection sql, int oid, int incarnation) throws SQLException {
        List<ColumnSchema> columns = new ArrayList<>();
        TableName name = null;
        char replicaIdentity = 'd';
        try (PreparedStatement query = sql.prepareStatement(COLUMNS)) {
            query.setLong(1, Integer.toUnsignedLong(oid));
            query.setLong(2, Integer.toUnsignedLong(oid));
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    columns.add(column(row));
                    replicaIdentity = row.getString(7).charAt(0);
                    name = new TableName(row.getString(8), row.getString(9));
                }
            }
        }
        return name == null
                ? Optional.empty()
                : Optional.of(TableSchemas.create(oid, name, incarnation, replicaIdentity, columns));
    }

    private static ColumnSchema column(ResultSet row) throws SQLException {
        int typeOid = (int) row.getLong(2);
        int modifier = row.getInt(3);
        String builtin = BuiltinTypes.format(typeOid, modifier);
        String typeName = builtin != null ? builtin : StreamSchemas.declaredName(row.getString(4), row.getString(5));
        return new ColumnSchema(
                row.getString(1), typeName, typeOid, modifier, row.getBoolean(6), StreamSchemas.encoding(typeOid));
    }

    private static Array oids(Connection sql, Collection<Integer> oids) throws SQLException {
        return sql.createArrayOf(
                "int8", oids.stream().map(Integer::toUnsignedLong).toArray());
    }

    private static List<String> texts(PreparedStatement query) throws SQLException {
        List<String> found = new ArrayList<>();
        try (ResultSet row = query.executeQuery()) {
            while (row.next()) {
                found.add(row.getString(1));
            }
        }
        return found;
    }

    static String text(Connection sql, String query) throws SQLException {
        try (Statement statement = sql.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }
}
