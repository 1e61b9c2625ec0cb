package dev.replicator.slave.postgres;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.Unchanged;
import dev.replicator.queue.ValueEncoding;
import dev.replicator.queue.format.TableSchemas;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Collectors;

/**
 * A master schema whose changes are recorded by triggers, in the order and the form the stream has: old row only where
 * the identity changed or is full, and, at random, values that did not change left unsent as TOASTed ones are.
 */
final class CapturedMaster {
    static final String SCHEMA = "m";

    private final Connection connection;
    private final Random random;
    private final Map<String, TableSchema> schemas = new HashMap<>();

    CapturedMaster(Connection connection, Random random) throws SQLException {
        this.connection = connection;
        this.random = random;
        execute(
                "CREATE TABLE m.replicator_log (n bigserial PRIMARY KEY, relation text, op text, old text[], new text[])");
    }

    /** One change of one of the tables. */
    record Captured(TableSchema schema, RowChange change) {}

    void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /**
     * Starts recording a table.
     *
     * @param identity replica identity: d, i or f
     * @param key identity columns under i; else the primary key is taken
     */
    TableSchema track(String table, char identity, String... key) throws SQLException {
        List<ColumnSchema> columns = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(
                """
                SELECT a.attname, t.typname, t.oid::bigint, a.atttypmod,
                       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary
                               AND a.attnum = ANY (i.indkey::int2[]))
                FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                WHERE a.attrelid = ?::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                ORDER BY a.attnum
                """)) {
            statement.setString(1, "m." + table);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    boolean isKey = identity == 'f'
                            || (identity == 'i' ? Arrays.asList(key).contains(rows.getString(1)) : rows.getBoolean(5));
                    columns.add(new ColumnSchema(
                            rows.getString(1),
                            rows.getString(2),
                            rows.getInt(3),
                            rows.getInt(4),
                            isKey,
                            encoding(rows.getString(2))));
                }
            }
        }
        TableSchema schema =
                TableSchemas.create(schemas.size() + 1, new TableName(SCHEMA, table), 1, identity, columns);
        schemas.put(table, schema);
        execute(triggers(table, columns));
        return schema;
    }

    private static String triggers(String table, List<ColumnSchema> columns) {
        return String.join(
                "\n",
                // Named to fire before the triggers of foreign keys: a parent's row is written before those of a
                // cascade.
                "CREATE OR REPLACE FUNCTION m.log_" + table + "() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN",
                "IF TG_OP = 'TRUNCATE' THEN INSERT INTO m.replicator_log(relation, op) VALUES ('" + table
                        + "', 'T'); RETURN NULL; END IF;",
                "INSERT INTO m.replicator_log(relation, op, old, new) VALUES ('" + table + "', left(TG_OP, 1),",
                "CASE WHEN TG_OP <> 'INSERT' THEN " + image("OLD", columns) + " END,",
                "CASE WHEN TG_OP <> 'DELETE' THEN " + image("NEW", columns) + " END); RETURN NULL; END $$;",
                "CREATE OR REPLACE TRIGGER \"A_rows\" AFTER INSERT OR UPDATE OR DELETE ON m." + table,
                "FOR EACH ROW EXECUTE FUNCTION m.log_" + table + "();",
                "CREATE OR REPLACE TRIGGER zz_table AFTER TRUNCATE ON m." + table,
                "FOR EACH STATEMENT EXECUTE FUNCTION m.log_" + table + "();");
    }

    private static String image(String row, List<ColumnSchema> columns) {
        return columns.stream()
                .map(column -> row + "." + TableName.quote(column.name()))
                .map(value -> "CASE WHEN num_nulls(" + value + ") = 0 THEN format('%s', " + value + ") END")
                .collect(Collectors.joining(", ", "ARRAY[", "]"));
    }

    private static ValueEncoding encoding(String type) {
        return switch (type) {
            case "bool" -> ValueEncoding.BOOLEAN;
            case "int2", "int4" -> ValueEncoding.INT;
            case "int8" -> ValueEncoding.LONG;
            case "bytea" -> ValueEncoding.BYTES;
            default -> ValueEncoding.TEXT;
        };
    }

    /** Takes what was recorded since the last call. */
    List<Captured> drain() throws SQLException {
        List<Captured> changes = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(
                        "WITH d AS (DELETE FROM m.replicator_log RETURNING *) SELECT relation, op, old, new FROM d ORDER BY n")) {
            while (rows.next()) {
                TableSchema schema = schemas.get(rows.getString(1));
                Object[] old = image(schema, rows.getArray(3));
                Object[] image = image(schema, rows.getArray(4));
                changes.add(new Captured(
                        schema,
                        switch (rows.getString(2)) {
                            case "I" -> new RowChange(ChangeKind.INSERT, null, image);
                            case "U" -> update(schema, old, image);
                            case "D" -> new RowChange(ChangeKind.DELETE, identity(schema, old), null);
                            default -> new RowChange(ChangeKind.TRUNCATE, null, null);
                        }));
            }
        }
        return changes;
    }

    private RowChange update(TableSchema schema, Object[] old, Object[] image) {
        boolean keyChanged = schema.replicaIdentity() == 'f';
        Object[] sent = image.clone();
        for (int i = 0; i < image.length; i++) {
            boolean same = Objects.deepEquals(old[i], image[i]);
            boolean key = schema.columns().get(i).identity();
            keyChanged |= key && !same;
            if (same && (schema.replicaIdentity() == 'f' || !key) && random.nextInt(3) == 0) {
                sent[i] = Unchanged.UNCHANGED;
            }
        }
        return new RowChange(ChangeKind.UPDATE, keyChanged ? identity(schema, old) : null, sent);
    }

    private static Object[] identity(TableSchema schema, Object[] row) {
        Object[] identity = row.clone();
        for (int i = 0; i < row.length; i++) {
            if (!schema.columns().get(i).identity()) {
                identity[i] = Unchanged.UNCHANGED;
            }
        }
        return identity;
    }

    private static Object[] image(TableSchema schema, java.sql.Array array) throws SQLException {
        if (array == null) {
            return null;
        }
        String[] texts = (String[]) array.getArray();
        Object[] image = new Object[texts.length];
        for (int i = 0; i < texts.length; i++) {
            String text = texts[i];
            image[i] = text == null
                    ? null
                    : switch (schema.columns().get(i).encoding()) {
                        case BOOLEAN -> (Object) text.equals("t");
                        case INT -> Integer.valueOf(text);
                        case LONG -> Long.valueOf(text);
                        case BYTES -> HexFormat.of().parseHex(text.substring(2));
                        case TEXT -> text;
                    };
        }
        return image;
    }
}
