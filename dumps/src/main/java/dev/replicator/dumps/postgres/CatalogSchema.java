package dev.replicator.dumps.postgres;

import dev.replicator.dumps.postgres.CatalogView.Relation;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.ValueEncoding;
import dev.replicator.queue.format.TableSchemas;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** A table's schema in the stream's terms, from the catalogue. */
final class CatalogSchema {
    private static final String COLUMNS =
            """
            SELECT a.attname, a.atttypid::bigint, a.atttypmod,
                   CASE WHEN n.nspname = 'pg_catalog' THEN t.typname ELSE n.nspname || '.' || t.typname END,
                   c.relreplident = 'f' OR EXISTS (
                     SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey::smallint[])
                       AND (c.relreplident = 'd' AND i.indisprimary OR c.relreplident = 'i' AND i.indisreplident))
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace n ON n.oid = t.typnamespace
            WHERE a.attrelid = ?::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
            ORDER BY a.attnum""";

    private CatalogSchema() {}

    /** The schema in incarnation 1. */
    static TableSchema read(Connection connection, Relation root, char replicaIdentity) throws SQLException {
        List<ColumnSchema> columns = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(COLUMNS)) {
            statement.setLong(1, root.oid());
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    int oid = (int) rows.getLong(2);
                    columns.add(new ColumnSchema(
                            rows.getString(1),
                            rows.getString(4),
                            oid,
                            rows.getInt(3),
                            rows.getBoolean(5),
                            encoding(oid)));
                }
            }
        }
        return TableSchemas.create((int) root.oid(), root.name(), 1, replicaIdentity, columns);
    }

    /** By oid of the built-in type, see pg_type.dat. */
    private static ValueEncoding encoding(int typeOid) {
        return switch (typeOid) {
            case 16 -> ValueEncoding.BOOLEAN;
            case 17 -> ValueEncoding.BYTES;
            case 21, 23 -> ValueEncoding.INT;
            case 20 -> ValueEncoding.LONG;
            default -> ValueEncoding.TEXT;
        };
    }
}
