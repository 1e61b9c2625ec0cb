package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Reads what the slave's database says about a table: all that decides how changes may be applied to it. */
public final class TargetCatalog {
    private static final String TABLE =
            """
            SELECT c.oid::bigint, c.relkind = 'p', row_security_active(c.oid),
                   ARRAY(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p
                         WHERE NOT has_table_privilege(c.oid, p))
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = ? AND c.relname = ? AND c.relkind IN ('r', 'p')
            """;

    // The operator is the equality of the type's own default btree class; polymorphic and binary-coercible types have
    // none of their own and are served by pg_catalog's.
    private static final String COLUMNS =
            """
            SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), format_type(b.base, -1), a.attnotnull,
                   a.attgenerated <> '', a.attidentity = 'a',
                   coalesce((SELECT format('OPERATOR(%I.%s)', n.nspname, o.oprname)
                             FROM pg_opclass k
                             JOIN pg_amop m ON m.amopfamily = k.opcfamily AND m.amopstrategy = 3
                                  AND m.amoplefttype = b.base AND m.amoprighttype = b.base
                             JOIN pg_operator o ON o.oid = m.amopopr
                             JOIN pg_namespace n ON n.oid = o.oprnamespace
                             WHERE k.opcmethod = 403 AND k.opcdefault AND k.opcintype = b.base LIMIT 1),
                            'OPERATOR(pg_catalog.=)')
            FROM pg_attribute a,
                 LATERAL (WITH RECURSIVE d AS (
                              SELECT t.oid, t.typtype, t.typbasetype FROM pg_type t WHERE t.oid = a.atttypid
                              UNION ALL
                              SELECT t.oid, t.typtype, t.typbasetype FROM d JOIN pg_type t ON t.oid = d.typbasetype
                              WHERE d.typtype = 'd')
                          SELECT oid AS base FROM d WHERE typtype <> 'd') b
            WHERE a.attrelid = ?::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY a.attnum
            """;

    private static final String GENERATED_SOURCES =
            """
            SELECT a.attname::text, s.attname::text
            FROM pg_attrdef f
            JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attgenerated <> ''
            JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = f.adrelid
                 AND d.refobjsubid > 0 AND d.refobjsubid <> f.adnum
                 AND (d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
                      OR d.classid = 'pg_class'::regclass AND d.objid = f.adrelid AND d.objsubid = f.adnum)
            JOIN pg_attribute s ON s.attrelid = f.adrelid AND s.attnum = d.refobjsubid
            WHERE f.adrelid = ?::bigint::oid
            """;

    // A partition may have keys of its own, which collide among its own rows only. to_jsonb: indnullsnotdistinct exists
    // from 15 on only. An expression over the whole row depends on no column by name: then on each (varattno 0).
    private static final String KEYS =
            """
            SELECT c.relname::text, i.indisprimary AND i.indrelid = q.id, NOT i.indimmediate,
                   coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false),
                   nullif(concat_ws(' AND ', '(' || pg_get_expr(i.indpred, i.indrelid, true) || ')',
                       CASE WHEN i.indrelid <> q.id THEN format(
                           '(tableoid = %1$s OR tableoid IN (SELECT relid FROM pg_partition_tree(%1$s)))', i.indrelid)
                       END), ''),
                   i.indexprs IS NULL,
                   ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k),
                   ARRAY(SELECT format('OPERATOR(%I.%s)', n.nspname, o.oprname)
                         FROM generate_series(1, i.indnkeyatts) AS k
                         JOIN pg_opclass p ON p.oid = i.indclass[k - 1]
                         LEFT JOIN pg_amop m ON m.amopfamily = p.opcfamily AND m.amopstrategy = 3
                              AND m.amoplefttype = p.opcintype AND m.amoprighttype = p.opcintype AND p.opcmethod = 403
                         JOIN pg_operator o ON o.oid = coalesce(x.conexclop[k], m.amopopr)
                         JOIN pg_namespace n ON n.oid = o.oprnamespace
                         ORDER BY k),
                   ARRAY(SELECT a.attname::text FROM generate_series(1, i.indnkeyatts) AS k
                         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k - 1] ORDER BY k),
                   ARRAY(SELECT a.attname::text FROM pg_attribute a
                         WHERE a.attrelid = i.indrelid AND a.attnum > 0 AND NOT a.attisdropped
                           AND (EXISTS (SELECT FROM generate_series(1, i.indnkeyatts) AS k WHERE i.indkey[k - 1] = a.attnum)
                                OR EXISTS (SELECT FROM pg_depend d
                                           WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                                             AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
                                             AND d.refobjsubid = a.attnum)
                                OR concat(i.indexprs::text, i.indpred::text) LIKE '%:varattno 0 %'))
            FROM (SELECT ?::bigint::oid AS id) q
            JOIN pg_index i ON i.indrelid = q.id OR i.indrelid IN (SELECT relid FROM pg_partition_tree(q.id))
            JOIN pg_class c ON c.oid = i.indexrelid AND (i.indrelid = q.id OR NOT c.relispartition)
            LEFT JOIN pg_constraint x ON x.conindid = i.indexrelid AND x.contype IN ('p', 'u', 'x')
            WHERE i.indisunique OR i.indisexclusion
            ORDER BY i.indrelid <> q.id, i.indisprimary DESC, c.relname
            """;

    private static final String INDEXED =
            """
            SELECT DISTINCT a.attname::text
            FROM pg_index i
            JOIN pg_class c ON c.oid = i.indexrelid
            JOIN pg_am m ON m.oid = c.relam AND m.amname IN ('btree', 'hash')
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = ?::bigint::oid AND i.indisvalid AND i.indpred IS NULL
            """;

    // A partition may have foreign keys of its own, and be referenced alone. Up to 14 the triggers of a partitioned
    // table's foreign key belong to the copies of the constraint that its partitions have.
    private static final String FOREIGN_KEYS =
            """
            SELECT x.conname::text, cn.nspname::text, c.relname::text, pn.nspname::text, p.relname::text,
                   x.confdeltype IN ('c', 'n', 'd') OR x.confupdtype IN ('c', 'n', 'd'), x.condeferrable,
                   coalesce(e.origin, false), coalesce(e.replica, false),
                   x.conrelid = q.id OR x.conrelid = ANY (q.leaves), x.confrelid = q.id OR x.confrelid = ANY (q.leaves)
            FROM (SELECT id, ARRAY(SELECT relid::oid FROM pg_partition_tree(id) WHERE relid <> id) AS leaves
                  FROM (SELECT ?::bigint::oid AS id) r) q
            JOIN pg_constraint x ON x.contype = 'f' AND (x.conrelid = q.id OR x.confrelid = q.id
                 OR x.conparentid = 0 AND (x.conrelid = ANY (q.leaves) OR x.confrelid = ANY (q.leaves)))
            CROSS JOIN LATERAL (
                WITH RECURSIVE family AS (
                    SELECT x.oid UNION ALL SELECT m.oid FROM pg_constraint m JOIN family f ON m.conparentid = f.oid)
                SELECT bool_or(t.tgenabled IN ('O', 'A')) AS origin, bool_or(t.tgenabled IN ('R', 'A')) AS replica
                FROM pg_trigger t JOIN family f ON t.tgconstraint = f.oid) e
            JOIN pg_class c ON c.oid = x.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace
            JOIN pg_class p ON p.oid = x.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
            ORDER BY x.conname
            """;

    // A partition's own row triggers fire, too. Rules follow session_replication_role like triggers do; ev_type 1 is a
    // view's SELECT.
    private static final String TRIGGERS =
            """
            SELECT 'trigger ' || t.tgname, t.tgenabled::text, t.tgtype & 1 = 1
            FROM (SELECT ?::bigint::oid AS id) q
            JOIN pg_trigger t ON NOT t.tgisinternal AND (t.tgrelid = q.id OR t.tgparentid = 0 AND t.tgtype & 1 = 1
                 AND t.tgrelid IN (SELECT relid FROM pg_partition_tree(q.id)))
            UNION ALL
            SELECT 'rule ' || r.rulename, r.ev_enabled::text, true
            FROM pg_rewrite r WHERE r.ev_class = ?::bigint::oid AND r.ev_type <> '1'
            ORDER BY 1
            """;

    private TargetCatalog() {}

    /**
     * Reads a table's definition.
     *
     * @throws TableException when there is no such table
     */
    public static TargetTable load(Connection connection, TableName name) throws SQLException, TableException {
        try (PreparedStatement statement = connection.prepareStatement(TABLE)) {
            statement.setString(1, name.schema());
            statement.setString(2, name.table());
            try (ResultSet rows = statement.executeQuery()) {
                if (!rows.next()) {
                    throw missing(name);
                }
                long oid = rows.getLong(1);
                return read(connection, name, oid, rows);
            }
        }
    }

    static TableException missing(TableName name) {
        return new TableException(
                name, "Table " + name + " does not exist on the slave", "Create it, or run resync for it.");
    }

    private static TargetTable read(Connection connection, TableName name, long oid, ResultSet table)
            throws SQLException {
        List<TargetForeignKey> references = new ArrayList<>();
        List<TargetForeignKey> referencedBy = new ArrayList<>();
        query(connection, FOREIGN_KEYS, oid, row -> {
            TargetForeignKey key = new TargetForeignKey(
                    row.getString(1),
                    new TableName(row.getString(2), row.getString(3)),
                    new TableName(row.getString(4), row.getString(5)),
                    row.getBoolean(6),
                    row.getBoolean(7),
                    row.getBoolean(8),
                    row.getBoolean(9));
            if (row.getBoolean(10)) {
                references.add(key);
            }
            if (row.getBoolean(11)) {
                referencedBy.add(key);
            }
        });
        List<String> originTriggers = new ArrayList<>();
        boolean[] rowTriggers = new boolean[1];
        query(connection, TRIGGERS, oid, row -> {
            switch (row.getString(2)) {
                case "O" -> originTriggers.add(row.getString(1));
                case "A", "R" -> rowTriggers[0] |= row.getBoolean(3);
                default -> {} // disabled
            }
        });
        Set<String> indexed = new HashSet<>();
        query(connection, INDEXED, oid, row -> indexed.add(row.getString(1)));
        return new TargetTable(
                oid,
                name,
                table.getBoolean(2),
                columns(connection, oid),
                keys(connection, oid),
                indexed,
                references,
                referencedBy,
                originTriggers,
                rowTriggers[0],
                table.getBoolean(3),
                strings(table, 4));
    }

    private static List<TargetColumn> columns(Connection connection, long oid) throws SQLException {
        List<TargetColumn> columns = new ArrayList<>();
        query(
                connection,
                COLUMNS,
                oid,
                row -> columns.add(new TargetColumn(
                        row.getString(1),
                        row.getString(2),
                        row.getString(3),
                        row.getString(7),
                        row.getBoolean(4),
                        row.getBoolean(5),
                        row.getBoolean(6))));
        return columns;
    }

    private static List<TargetKey> keys(Connection connection, long oid) throws SQLException {
        Map<String, Set<String>> sources = new HashMap<>();
        query(connection, GENERATED_SOURCES, oid, row -> sources.computeIfAbsent(
                        row.getString(1), column -> new HashSet<>())
                .add(row.getString(2)));
        List<TargetKey> keys = new ArrayList<>();
        query(connection, KEYS, oid, row -> {
            Set<String> dependsOn = strings(row, 10).stream()
                    .flatMap(column -> sources.getOrDefault(column, Set.of(column)).stream())
                    .collect(Collectors.toSet());
            keys.add(new TargetKey(
                    row.getString(1),
                    row.getBoolean(2),
                    strings(row, 7),
                    strings(row, 8),
                    row.getBoolean(6) ? strings(row, 9) : List.of(),
                    dependsOn,
                    row.getString(5),
                    row.getBoolean(3),
                    row.getBoolean(4)));
        });
        return keys;
    }

    private static List<String> strings(ResultSet row, int column) throws SQLException {
        return Arrays.asList((String[]) row.getArray(column).getArray());
    }

    private static void query(Connection connection, String sql, long oid, RowReader reader) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            int parameters = statement.getParameterMetaData().getParameterCount();
            for (int i = 1; i <= parameters; i++) {
                statement.setLong(i, oid);
            }
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    reader.read(rows);
                }
            }
        }
    }

    private interface RowReader {
        void read(ResultSet row) throws SQLException;
    }
}
