package dev.replicator.dumps.postgres;

import dev.replicator.dumps.TableDefinition.TypeDefinition;
import dev.replicator.dumps.TableDefinition.TypeKind;
import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Writes the statements that create users' types. */
final class TypeStatements {
    private static final String LABELS =
            "SELECT enumlabel FROM pg_enum WHERE enumtypid = ?::bigint::oid ORDER BY enumsortorder";
    private static final String DOMAIN =
            """
            SELECT format_type(t.typbasetype, t.typtypmod), t.typdefault, t.typnotnull,
              CASE WHEN t.typcollation <> b.typcollation AND t.typcollation <> 0
                THEN quote_ident(n.nspname) || '.' || quote_ident(c.collname) END,
              EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid
                AND d.refobjid >= 16384 AND d.refclassid IN ('pg_proc'::regclass, 'pg_class'::regclass))
            FROM pg_type t JOIN pg_type b ON b.oid = t.typbasetype
            LEFT JOIN pg_collation c ON c.oid = t.typcollation LEFT JOIN pg_namespace n ON n.oid = c.collnamespace
            WHERE t.oid = ?::bigint::oid""";
    private static final String DOMAIN_CHECKS =
            """
            SELECT quote_ident(k.conname), pg_get_constraintdef(k.oid),
              EXISTS (SELECT 1 FROM pg_depend d
                LEFT JOIN pg_depend e ON e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e'
                WHERE d.classid = 'pg_constraint'::regclass AND d.objid = k.oid AND d.refobjid >= 16384
                  AND d.refclassid <> 'pg_type'::regclass AND e.objid IS NULL)
            FROM pg_constraint k WHERE k.contypid = ?::bigint::oid AND k.contype = 'c' ORDER BY k.conname""";
    private static final String ATTRIBUTES =
            """
            SELECT quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), a.atttypid::bigint,
              CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0
                THEN quote_ident(n.nspname) || '.' || quote_ident(c.collname) END
            FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
            LEFT JOIN pg_collation c ON c.oid = a.attcollation LEFT JOIN pg_namespace n ON n.oid = c.collnamespace
            WHERE a.attrelid = ?::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum""";
    private static final String RANGE =
            """
            SELECT format_type(r.rngsubtype, NULL), quote_ident(ocn.nspname) || '.' || quote_ident(oc.opcname),
              CASE WHEN r.rngcollation <> 0 THEN quote_ident(cn.nspname) || '.' || quote_ident(c.collname) END,
              CASE WHEN r.rngsubdiff <> 0 THEN r.rngsubdiff::regproc::text END, r.rngsubdiff::bigint,
              r.rngcanonical <> 0, quote_ident(mn.nspname) || '.' || quote_ident(m.typname), r.rngsubtype::bigint,
              r.rngsubopc::bigint, x.extname, xn.nspname, dx.extname, dxn.nspname
            FROM pg_range r JOIN pg_opclass oc ON oc.oid = r.rngsubopc JOIN pg_namespace ocn ON ocn.oid = oc.opcnamespace
            JOIN pg_type m ON m.oid = r.rngmultitypid JOIN pg_namespace mn ON mn.oid = m.typnamespace
            LEFT JOIN pg_collation c ON c.oid = r.rngcollation LEFT JOIN pg_namespace cn ON cn.oid = c.collnamespace
            LEFT JOIN pg_depend e ON e.classid = 'pg_opclass'::regclass AND e.objid = oc.oid AND e.deptype = 'e'
            LEFT JOIN pg_extension x ON x.oid = e.refobjid LEFT JOIN pg_namespace xn ON xn.oid = x.extnamespace
            LEFT JOIN pg_depend de ON de.classid = 'pg_proc'::regclass AND de.objid = r.rngsubdiff AND de.deptype = 'e'
            LEFT JOIN pg_extension dx ON dx.oid = de.refobjid LEFT JOIN pg_namespace dxn ON dxn.oid = dx.extnamespace
            WHERE r.rngtypid = ?::bigint::oid""";
    private static final String COLLATION =
            """
            SELECT n.nspname, c.collname, c.collprovider, c.collisdeterministic, c.collcollate, c.collctype,
              coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', c.collcollate),
              to_jsonb(c) ->> 'collicurules'
            FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace WHERE c.oid = ?::bigint::oid""";
    private static final String COLLATIONS_OF_TYPE =
            """
            SELECT typcollation::bigint FROM pg_type WHERE oid = ?::bigint::oid AND typcollation <> 0
            UNION SELECT attcollation::bigint FROM pg_attribute
              WHERE attrelid = ?::bigint::oid AND attnum > 0 AND NOT attisdropped AND attcollation <> 0
            UNION SELECT rngcollation::bigint FROM pg_range WHERE rngtypid = ?::bigint::oid AND rngcollation <> 0""";
    private static final long FIRST_USER_OID = 16384;

    private final Connection connection;
    private final List<String> omitted;

    TypeStatements(Connection connection, List<String> omitted) {
        this.connection = connection;
        this.omitted = omitted;
    }

    TypeDefinition enumeration(long oid, TableName name) throws SQLException {
        List<String> labels = query(LABELS, oid, row -> row.getString(1));
        String list =
                String.join(", ", labels.stream().map(TypeStatements::literal).toList());
        return new TypeDefinition(
                TypeKind.ENUM, name, "CREATE TYPE " + name.quoted() + " AS ENUM (" + list + ")", labels);
    }

    TypeDefinition domain(long oid, TableName name) throws SQLException {
        StringBuilder sql =
                new StringBuilder("CREATE DOMAIN ").append(name.quoted()).append(" AS ");
        query(DOMAIN, oid, row -> {
            sql.append(row.getString(1));
            append(sql, " COLLATE ", row.getString(4));
            if (row.getString(2) != null && (row.getBoolean(5) || LookedUpNames.in(row.getString(2)))) {
                omitted.add("default of domain " + name.quoted());
            } else {
                append(sql, " DEFAULT ", row.getString(2));
            }
            return sql.append(row.getBoolean(3) ? " NOT NULL" : "");
        });
        query(DOMAIN_CHECKS, oid, row -> {
            if (row.getBoolean(3) || LookedUpNames.in(row.getString(2))) {
                omitted.add("constraint " + row.getString(1) + " of domain " + name.quoted());
                return sql;
            }
            return sql.append(" CONSTRAINT ")
                    .append(row.getString(1))
                    .append(' ')
                    .append(row.getString(2));
        });
        return new TypeDefinition(TypeKind.DOMAIN, name, sql.toString(), List.of());
    }

    TypeDefinition composite(long relation, TableName name) throws SQLException {
        List<String> attributes = query(
                ATTRIBUTES,
                relation,
                row -> row.getString(1) + " " + row.getString(2)
                        + (row.getString(4) == null ? "" : " COLLATE " + row.getString(4)));
        String sql = "CREATE TYPE " + name.quoted() + " AS (" + String.join(", ", attributes) + ")";
        return new TypeDefinition(TypeKind.COMPOSITE, name, sql, List.of());
    }

    List<Long> attributeTypes(long relation) throws SQLException {
        return query(ATTRIBUTES, relation, row -> row.getLong(3));
    }

    long subtype(long oid) throws SQLException {
        return query(RANGE, oid, row -> row.getLong(8)).get(0);
    }

    TypeDefinition range(long oid, TableName name, TypeCollector collector) throws SQLException {
        StringBuilder sql =
                new StringBuilder("CREATE TYPE ").append(name.quoted()).append(" AS RANGE (SUBTYPE = ");
        query(RANGE, oid, row -> {
            sql.append(row.getString(1));
            if (row.getLong(9) < FIRST_USER_OID || row.getString(10) != null) {
                sql.append(", SUBTYPE_OPCLASS = ").append(row.getString(2));
                addExtension(collector, row.getString(10), row.getString(11));
            } else {
                omitted.add("operator class of range type " + name.quoted());
            }
            append(sql, ", COLLATION = ", row.getString(3));
            if (row.getLong(5) < FIRST_USER_OID || row.getString(12) != null) {
                append(sql, ", SUBTYPE_DIFF = ", row.getString(4));
                addExtension(collector, row.getString(12), row.getString(13));
            } else {
                omitted.add("difference function of range type " + name.quoted());
            }
            if (row.getBoolean(6)) {
                omitted.add("canonical function of range type " + name.quoted());
            }
            return sql.append(", MULTIRANGE_TYPE_NAME = ")
                    .append(row.getString(7))
                    .append(')');
        });
        return new TypeDefinition(TypeKind.RANGE, name, sql.toString(), List.of());
    }

    private static void addExtension(TypeCollector collector, String name, String schema) {
        if (name != null) {
            collector.addExtension(name, schema);
        }
    }

    TypeDefinition collation(long oid) throws SQLException {
        return query(COLLATION, oid, TypeStatements::collation).get(0);
    }

    private static TypeDefinition collation(ResultSet row) throws SQLException {
        TableName name = new TableName(row.getString(1), row.getString(2));
        String provider =
                switch (row.getString(3)) {
                    case "i" -> "icu";
                    case "b" -> "builtin";
                    default -> "libc";
                };
        StringBuilder sql =
                new StringBuilder("CREATE COLLATION ").append(name.quoted()).append(" (PROVIDER = ");
        sql.append(provider);
        if (provider.equals("libc")) {
            sql.append(", LC_COLLATE = ").append(literal(row.getString(5)));
            sql.append(", LC_CTYPE = ").append(literal(row.getString(6)));
        } else {
            sql.append(", LOCALE = ").append(literal(row.getString(7)));
        }
        if (!row.getBoolean(4)) {
            sql.append(", DETERMINISTIC = false");
        }
        if (row.getString(8) != null) {
            sql.append(", RULES = ").append(literal(row.getString(8)));
        }
        return new TypeDefinition(TypeKind.COLLATION, name, sql.append(')').toString(), List.of());
    }

    /** Collations that a type uses itself. */
    List<Long> collations(long oid, long relation) throws SQLException {
        List<Long> result = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(COLLATIONS_OF_TYPE)) {
            statement.setLong(1, oid);
            statement.setLong(2, relation);
            statement.setLong(3, oid);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    result.add(rows.getLong(1));
                }
            }
        }
        return result;
    }

    private static void append(StringBuilder sql, String keyword, String value) {
        if (value != null) {
            sql.append(keyword).append(value);
        }
    }

    /** standard_conforming_strings is on: only quotes need doubling. */
    static String literal(String text) {
        return "'" + text.replace("'", "''") + "'";
    }

    private interface RowMapper<T> {
        T map(ResultSet row) throws SQLException;
    }

    private <T> List<T> query(String sql, long oid, RowMapper<T> mapper) throws SQLException {
        List<T> result = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setLong(1, oid);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    result.add(mapper.map(rows));
                }
            }
        }
        return result;
    }
}
