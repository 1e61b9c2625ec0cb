package dev.replicator.dumps.postgres;

import dev.replicator.dumps.TableDefinition;
import dev.replicator.dumps.TableDefinition.Column;
import dev.replicator.dumps.TableDefinition.Constraint;
import dev.replicator.dumps.TableDefinition.ConstraintKind;
import dev.replicator.dumps.TableDefinition.GeneratedKind;
import dev.replicator.dumps.TableDefinition.IdentityKind;
import dev.replicator.dumps.TableDefinition.Index;
import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Reads the definition of a table from the catalogue. The session must be pinned ({@link SessionPins}): with an empty
 * search_path the server qualifies every name that is not built in.
 */
public final class DefinitionReader {
    private static final String NAME =
            """
            SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid = ?::bigint::oid AND c.relkind IN ('r', 'p')""";
    private static final String COLUMNS =
            """
            SELECT a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.atttypid::bigint, a.attcollation::bigint,
              CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0
                THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END,
              a.attnotnull AND NOT EXISTS (SELECT 1 FROM pg_constraint k
                WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND a.attnum = ANY (k.conkey) AND NOT k.convalidated),
              a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid), d.oid::bigint,
              CASE WHEN a.atthasmissing THEN (a.attmissingval::text::text[])[1] END
            FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            LEFT JOIN pg_collation co ON co.oid = a.attcollation LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
            WHERE a.attrelid = ?::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum""";
    private static final String CONSTRAINTS =
            """
            SELECT k.oid::bigint, k.contype, k.conname, pg_get_constraintdef(k.oid), k.conindid::bigint,
              coalesce(k.conkey, '{}'::smallint[])
            FROM pg_constraint k WHERE k.conrelid = ?::bigint::oid AND k.contype IN ('p', 'u', 'c', 'x')
            ORDER BY position(k.contype::text IN 'puxc'), k.conname""";
    private static final String INDEXES =
            """
            SELECT i.indexrelid::bigint, c.relname, i.indisunique, i.indkey::smallint[], pg_get_indexdef(i.indexrelid),
              'CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || quote_ident(c.relname) || ' ON ',
              quote_ident(n.nspname) || '.' || quote_ident(t.relname) || ' '
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
            WHERE i.indrelid = ?::bigint::oid AND i.indisvalid AND NOT EXISTS (SELECT 1 FROM pg_constraint k
              WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x'))
            ORDER BY c.relname""";

    private final Connection connection;
    private final long table;
    private final TypeCollector types;
    private final Dependencies dependencies;
    private final List<String> omitted = new ArrayList<>();
    /** Columns that are left out because they are computed by something that cannot be taken along. */
    private final Set<Integer> missingColumns = new HashSet<>();

    private DefinitionReader(Connection connection, long table, boolean portable) {
        this.connection = connection;
        this.table = table;
        this.types = portable ? new TypeCollector(connection, omitted) : null;
        this.dependencies = portable ? new Dependencies(connection, table, types) : null;
    }

    /**
     * The definition for another database: with the types it needs, without what would name another table, a sequence, a
     * user's function or a role (rule R24).
     *
     * @throws SQLException with SQLSTATE 42P01 when there is no such table
     */
    public static TableDefinition portable(Connection connection, long tableOid) throws SQLException {
        return new DefinitionReader(connection, tableOid, true).read();
    }

    /**
     * The definition for another table of the same database: everything stays but foreign keys and triggers, and no types
     * are listed.
     *
     * @throws SQLException with SQLSTATE 42P01 when there is no such table
     */
    public static TableDefinition local(Connection connection, TableName table) throws SQLException {
        return new DefinitionReader(connection, oidOf(connection, table), false).read();
    }

    private static long oidOf(Connection connection, TableName table) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT ?::regclass::oid::bigint")) {
            statement.setString(1, table.quoted());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }
    }

    private TableDefinition read() throws SQLException {
        TableName name = query(NAME, row -> new TableName(row.getString(1), row.getString(2))).stream()
                .findFirst()
                .orElseThrow(() -> new SQLException("there is no table with oid " + table, "42P01"));
        List<Column> columns = new ArrayList<>();
        for (RawColumn raw : query(COLUMNS, RawColumn::of)) {
            Column column = column(raw);
            if (column != null) {
                columns.add(column);
            }
        }
        List<Constraint> constraints = constraints();
        List<Index> indexes = indexes(name);
        return new TableDefinition(
                name,
                types == null ? List.of() : types.extensions(),
                types == null ? List.of() : types.types(),
                columns,
                constraints,
                indexes,
                omitted);
    }

    private Column column(RawColumn raw) throws SQLException {
        if (types != null) {
            types.addColumnType(raw.name, raw.typeOid, raw.collationOid);
        }
        boolean portable = raw.defaultOid == 0 || portable("pg_attrdef", raw.defaultOid, raw.expression);
        if (!portable && !raw.generated.isEmpty()) {
            omitted.add("generated column " + TableName.quote(raw.name));
            missingColumns.add(raw.number);
            return null;
        }
        if (!portable) {
            omitted.add("default of column " + TableName.quote(raw.name));
        }
        boolean generated = !raw.generated.isEmpty();
        return new Column(
                raw.name,
                raw.type,
                raw.collation,
                raw.notNull,
                portable && !generated ? raw.expression : null,
                raw.missingValue,
                identityKind(raw.identity),
                generatedKind(raw.generated),
                generated ? raw.expression : null);
    }

    private static IdentityKind identityKind(String code) {
        return switch (code) {
            case "a" -> IdentityKind.ALWAYS;
            case "d" -> IdentityKind.BY_DEFAULT;
            default -> IdentityKind.NONE;
        };
    }

    private static GeneratedKind generatedKind(String code) {
        return switch (code) {
            case "s" -> GeneratedKind.STORED;
            case "v" -> GeneratedKind.VIRTUAL;
            default -> GeneratedKind.NONE;
        };
    }

    private List<Constraint> constraints() throws SQLException {
        List<Constraint> kept = new ArrayList<>();
        for (RawConstraint raw : query(CONSTRAINTS, RawConstraint::of)) {
            if (usesMissingColumn(raw.columns)
                    || !portable("pg_constraint", raw.oid, raw.definition)
                    || raw.indexOid != 0 && !portable("pg_class", raw.indexOid, raw.definition)) {
                omitted.add("constraint " + TableName.quote(raw.name));
            } else {
                kept.add(new Constraint(constraintKind(raw.kind), raw.name, raw.definition));
            }
        }
        return kept;
    }

    private static ConstraintKind constraintKind(String code) {
        return switch (code) {
            case "p" -> ConstraintKind.PRIMARY_KEY;
            case "u" -> ConstraintKind.UNIQUE;
            case "x" -> ConstraintKind.EXCLUSION;
            case "c" -> ConstraintKind.CHECK;
            default -> throw new IllegalArgumentException("contype " + code);
        };
    }

    private List<Index> indexes(TableName name) throws SQLException {
        List<Index> kept = new ArrayList<>();
        for (RawIndex raw : query(INDEXES, RawIndex::of)) {
            if (usesMissingColumn(raw.columns) || !portable("pg_class", raw.oid, raw.body(name))) {
                omitted.add("index " + TableName.quote(raw.name));
            } else {
                kept.add(new Index(raw.name, raw.unique, raw.body(name)));
            }
        }
        return kept;
    }

    private boolean portable(String catalog, long oid, String sql) throws SQLException {
        return dependencies == null || !LookedUpNames.in(sql) && dependencies.portable(catalog, oid);
    }

    private boolean usesMissingColumn(Short[] columns) {
        for (short column : columns) {
            if (missingColumns.contains((int) column)) {
                return true;
            }
        }
        return false;
    }

    private interface RowMapper<T> {
        T map(ResultSet row) throws SQLException;
    }

    private <T> List<T> query(String sql, RowMapper<T> mapper) throws SQLException {
        List<T> result = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setLong(1, table);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    result.add(mapper.map(rows));
                }
            }
        }
        return result;
    }

    private record RawColumn(
            int number,
            String name,
            String type,
            long typeOid,
            long collationOid,
            String collation,
            boolean notNull,
            String identity,
            String generated,
            String expression,
            long defaultOid,
            String missingValue) {
        static RawColumn of(ResultSet row) throws SQLException {
            return new RawColumn(
                    row.getInt(1),
                    row.getString(2),
                    row.getString(3),
                    row.getLong(4),
                    row.getLong(5),
                    row.getString(6),
                    row.getBoolean(7),
                    row.getString(8),
                    row.getString(9),
                    row.getString(10),
                    row.getLong(11),
                    row.getString(12));
        }
    }

    @SuppressWarnings("ArrayRecordComponent")
    private record RawConstraint(
            long oid, String kind, String name, String definition, long indexOid, Short[] columns) {
        static RawConstraint of(ResultSet row) throws SQLException {
            return new RawConstraint(
                    row.getLong(1),
                    row.getString(2),
                    row.getString(3),
                    row.getString(4),
                    row.getLong(5),
                    shorts(row, 6));
        }
    }

    @SuppressWarnings("ArrayRecordComponent")
    private record RawIndex(
            long oid, String name, boolean unique, Short[] columns, String statement, String prefix, String tableName) {
        static RawIndex of(ResultSet row) throws SQLException {
            return new RawIndex(
                    row.getLong(1),
                    row.getString(2),
                    row.getBoolean(3),
                    shorts(row, 4),
                    row.getString(5),
                    row.getString(6),
                    row.getString(7));
        }

        /** The server gives a whole statement; what stands before USING is known to the letter. */
        String body(TableName name) throws SQLException {
            for (String start : List.of(prefix + tableName, prefix + "ONLY " + tableName)) {
                if (statement.startsWith(start)) {
                    return statement.substring(start.length());
                }
            }
            throw new SQLException(
                    "definition of index " + this.name + " of table " + name
                            + " does not begin as expected; the session's" + " settings must be pinned",
                    "XX000");
        }
    }

    private static Short[] shorts(ResultSet row, int column) throws SQLException {
        return (Short[]) row.getArray(column).getArray();
    }
}
