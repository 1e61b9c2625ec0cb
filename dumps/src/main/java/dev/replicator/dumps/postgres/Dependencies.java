package dev.replicator.dumps.postgres;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Decides by pg_depend whether an expression, constraint or index can exist in another database: it may use what is built
 * in (which the server does not record), what an extension owns, the table itself, and types that travel along.
 */
final class Dependencies {
    private static final String USED =
            """
            SELECT d.refclassid::regclass::text, d.refobjid::bigint, x.extname, xn.nspname
            FROM pg_depend d
            LEFT JOIN pg_depend e ON e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e'
              AND e.refclassid = 'pg_extension'::regclass
            LEFT JOIN pg_extension x ON x.oid = e.refobjid
            LEFT JOIN pg_namespace xn ON xn.oid = x.extnamespace
            WHERE d.classid = ?::regclass AND d.objid = ?::bigint::oid AND d.refobjid >= 16384""";

    private final Connection connection;
    private final long table;
    private final TypeCollector types;

    private record Use(String catalog, long oid, String extension, String extensionSchema) {}

    Dependencies(Connection connection, long table, TypeCollector types) {
        this.connection = connection;
        this.table = table;
        this.types = types;
    }

    /** Whether all that the object uses can be had elsewhere; then the types and extensions it needs are collected. */
    boolean portable(String catalog, long oid) throws SQLException {
        List<Use> uses = uses(catalog, oid);
        for (Use use : uses) {
            if (use.extension == null && !portable(use)) {
                return false;
            }
        }
        for (Use use : uses) {
            if (use.extension != null) {
                types.addExtension(use.extension, use.extensionSchema);
            } else if (use.catalog.equals("pg_type")) {
                types.add(use.oid);
            } else if (use.catalog.equals("pg_collation")) {
                types.addCollation(use.oid);
            }
        }
        return true;
    }

    private boolean portable(Use use) throws SQLException {
        return switch (use.catalog) {
            case "pg_class" -> use.oid == table;
            case "pg_constraint", "pg_collation", "pg_namespace" -> true;
            case "pg_type" -> types.supports(use.oid);
            default -> false;
        };
    }

    private List<Use> uses(String catalog, long oid) throws SQLException {
        List<Use> uses = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(USED)) {
            statement.setString(1, "pg_catalog." + catalog);
            statement.setLong(2, oid);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    uses.add(new Use(rows.getString(1), rows.getLong(2), rows.getString(3), rows.getString(4)));
                }
            }
        }
        return uses;
    }
}
