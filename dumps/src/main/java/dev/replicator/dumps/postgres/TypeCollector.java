package dev.replicator.dumps.postgres;

import dev.replicator.dumps.TableDefinition.ExtensionRef;
import dev.replicator.dumps.TableDefinition.TypeDefinition;
import dev.replicator.dumps.TableDefinition.TypeKind;
import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Collects the users' types that a table needs, each behind those it needs itself, and the extensions that own others. A
 * type that cannot be created elsewhere (another table's row type, a base type in C) is named in {@code omitted}: it must
 * exist on the target.
 */
final class TypeCollector {
    /** Everything below was made by initdb and is the same everywhere (FirstNormalObjectId). */
    private static final long FIRST_USER_OID = 16384;

    private static final String TYPE =
            """
            SELECT n.nspname, t.typname, t.typtype, t.typelem::bigint, t.typlen = -1 AND t.typcategory = 'A',
              t.typbasetype::bigint, t.typrelid::bigint, rel.relkind, x.extname, xn.nspname,
              (SELECT r.rngtypid::bigint FROM pg_range r WHERE r.rngmultitypid = t.oid)
            FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
            LEFT JOIN pg_class rel ON rel.oid = t.typrelid
            LEFT JOIN pg_depend e ON e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e'
              AND e.refclassid = 'pg_extension'::regclass
            LEFT JOIN pg_extension x ON x.oid = e.refobjid LEFT JOIN pg_namespace xn ON xn.oid = x.extnamespace
            WHERE t.oid = ?::bigint::oid""";

    private final Connection connection;
    private final List<String> omitted;
    private final Map<String, ExtensionRef> extensions = new LinkedHashMap<>();
    private final Map<Long, TypeDefinition> types = new LinkedHashMap<>();
    private final Map<Long, Boolean> supported = new HashMap<>();
    private final TypeStatements statements;

    /** What pg_type says. */
    private record TypeRow(
            TableName name,
            char kind,
            long element,
            boolean array,
            long base,
            long relation,
            String relationKind,
            ExtensionRef extension,
            long rangeOfMultirange) {}

    TypeCollector(Connection connection, List<String> omitted) {
        this.connection = connection;
        this.omitted = omitted;
        this.statements = new TypeStatements(connection, omitted);
    }

    List<ExtensionRef> extensions() {
        return List.copyOf(extensions.values());
    }

    List<TypeDefinition> types() {
        return List.copyOf(types.values());
    }

    void addExtension(String name, String schema) {
        extensions.put(name, new ExtensionRef(name, schema));
    }

    void addColumnType(String column, long typeOid, long collationOid) throws SQLException {
        if (supports(typeOid)) {
            add(typeOid);
        } else {
            omitted.add("type of column " + TableName.quote(column));
        }
        if (collationOid != 0) {
            addCollation(collationOid);
        }
    }

    /** Whether the type is built in, an extension's, or can be created elsewhere together with all it needs. */
    boolean supports(long oid) throws SQLException {
        if (oid < FIRST_USER_OID) {
            return true;
        }
        Boolean known = supported.get(oid);
        if (known == null) {
            known = examine(oid);
            supported.put(oid, known);
        }
        return known;
    }

    private boolean examine(long oid) throws SQLException {
        TypeRow type = read(oid);
        if (type.extension != null) {
            return true;
        }
        if (type.kind == 'b' && !type.array || type.kind == 'p' || type.kind == 'c' && !"c".equals(type.relationKind)) {
            return false;
        }
        for (long needed : needs(oid, type)) {
            if (!supports(needed)) {
                return false;
            }
        }
        return true;
    }

    /** Collects a type for which {@link #supports} holds. */
    void add(long oid) throws SQLException {
        if (oid < FIRST_USER_OID || types.containsKey(oid)) {
            return;
        }
        TypeRow type = read(oid);
        if (type.extension != null) {
            extensions.put(type.extension.name(), type.extension);
            return;
        }
        for (long needed : needs(oid, type)) {
            add(needed);
        }
        for (long collation : statements.collations(oid, type.relation)) {
            addCollation(collation);
        }
        switch (type.kind) {
            case 'e' -> types.put(oid, statements.enumeration(oid, type.name));
            case 'd' -> types.put(oid, statements.domain(oid, type.name));
            case 'c' -> types.put(oid, statements.composite(type.relation, type.name));
            case 'r' -> types.put(oid, statements.range(oid, type.name, this));
            default -> {
                // An array or multirange comes into being with the type it is made of.
            }
        }
    }

    void addCollation(long oid) throws SQLException {
        if (oid < FIRST_USER_OID || types.containsKey(oid)) {
            return;
        }
        TypeDefinition collation = statements.collation(oid);
        if (collation.kind() != TypeKind.COLLATION) {
            throw new IllegalStateException("collation " + oid + " became " + collation.kind());
        }
        types.put(oid, collation);
    }

    private List<Long> needs(long oid, TypeRow type) throws SQLException {
        List<Long> needs = new ArrayList<>();
        if (type.array) {
            needs.add(type.element);
        }
        switch (type.kind) {
            case 'd' -> needs.add(type.base);
            case 'c' -> needs.addAll(statements.attributeTypes(type.relation));
            case 'r' -> needs.add(statements.subtype(oid));
            case 'm' -> needs.add(type.rangeOfMultirange);
            default -> {
                // An enum needs nothing.
            }
        }
        return needs;
    }

    private TypeRow read(long oid) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(TYPE)) {
            statement.setLong(1, oid);
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    throw new SQLException("there is no type with oid " + oid, "42704");
                }
                ExtensionRef extension =
                        row.getString(9) == null ? null : new ExtensionRef(row.getString(9), row.getString(10));
                return new TypeRow(
                        new TableName(row.getString(1), row.getString(2)),
                        row.getString(3).charAt(0),
                        row.getLong(4),
                        row.getBoolean(5),
                        row.getLong(6),
                        row.getLong(7),
                        row.getString(8),
                        extension,
                        row.getLong(11));
            }
        }
    }
}
