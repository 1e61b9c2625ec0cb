package dev.replicator.dumps.postgres;

import dev.replicator.dumps.TableDefinition;
import dev.replicator.dumps.TableDefinition.Column;
import dev.replicator.queue.TableName;
import java.io.IOException;
import java.io.InputStream;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.postgresql.PGConnection;

/**
 * Loads chunks into one table of the target. Columns match by name: columns that only the target has keep their defaults,
 * a missing one is an error with the statement that adds it. Safe for several threads, each with its own connection.
 */
public final class ChunkLoader {
    private static final String TARGET_COLUMNS =
            """
            SELECT a.attname, a.attgenerated <> '' FROM pg_attribute a
            WHERE a.attrelid = ?::regclass AND a.attnum > 0 AND NOT a.attisdropped""";

    private final String copy;

    private ChunkLoader(String copy) {
        this.copy = copy;
    }

    /**
     * Compares a table of the target with a dump.
     *
     * @param definition the dumped table's
     * @param columns the dump's columns in the order of its text
     * @param target an existing table
     * @throws TargetMismatchException when the target lacks a column, or computes one that the master stores
     * @throws SQLException with SQLSTATE 42P01 when there is no such table
     */
    public static ChunkLoader prepare(
            Connection connection, TableDefinition definition, List<String> columns, TableName target)
            throws SQLException {
        Map<String, Boolean> generated = targetColumns(connection, target);
        List<String> missing = columns.stream()
                .filter(column -> !generated.containsKey(column))
                .toList();
        if (!missing.isEmpty()) {
            throw new TargetMismatchException(
                    "loading into table " + target + ": it has no column "
                            + missing.stream().map(TableName::quote).collect(Collectors.joining(", ")),
                    "run on the target: " + addColumns(definition, missing, target));
        }
        List<String> computed = columns.stream().filter(generated::get).toList();
        if (!computed.isEmpty()) {
            String drop = computed.stream()
                    .map(column -> "ALTER COLUMN " + TableName.quote(column) + " DROP EXPRESSION")
                    .collect(Collectors.joining(", "));
            throw new TargetMismatchException(
                    "loading into table " + target + ": it computes the columns " + computed
                            + ", which the master stores",
                    "run on the target: ALTER TABLE " + target.quoted() + " " + drop);
        }
        String list = columns.stream().map(TableName::quote).collect(Collectors.joining(", "));
        return new ChunkLoader("COPY " + target.quoted() + " (" + list + ") FROM STDIN (FORMAT text, ENCODING 'UTF8')");
    }

    /**
     * The statement that adds columns of a definition to a table. Rows that exist get the value that old rows of the
     * master have (rule R08).
     */
    public static String addColumns(TableDefinition definition, List<String> columns, TableName target) {
        List<String> actions = new ArrayList<>();
        for (Column column : definition.columns()) {
            if (columns.contains(column.name())) {
                actions.addAll(addColumn(column));
            }
        }
        return "ALTER TABLE " + target.quoted() + " " + String.join(", ", actions);
    }

    private static List<String> addColumn(Column column) {
        String name = TableName.quote(column.name());
        StringBuilder add =
                new StringBuilder("ADD COLUMN ").append(name).append(' ').append(column.type());
        if (column.collation() != null) {
            add.append(" COLLATE ").append(column.collation());
        }
        String initial = column.missingValue() == null
                ? column.defaultExpression()
                : TypeStatements.literal(column.missingValue()) + "::" + column.type();
        if (initial != null) {
            add.append(" DEFAULT ").append(initial);
        }
        if (column.notNull()) {
            add.append(" NOT NULL");
        }
        if (column.missingValue() == null) {
            return List.of(add.toString());
        }
        String later = column.defaultExpression() == null
                ? "ALTER COLUMN " + name + " DROP DEFAULT"
                : "ALTER COLUMN " + name + " SET DEFAULT " + column.defaultExpression();
        return List.of(add.toString(), later);
    }

    /**
     * Loads one chunk in the transaction that is open on the connection; commits nothing.
     *
     * @param text the chunk's COPY text, see {@link dev.replicator.dumps.StoredDump#openText}
     * @return rows loaded
     */
    public long load(Connection connection, InputStream text) throws SQLException, IOException {
        return connection.unwrap(PGConnection.class).getCopyAPI().copyIn(copy, text, 1 << 16);
    }

    private static Map<String, Boolean> targetColumns(Connection connection, TableName target) throws SQLException {
        Map<String, Boolean> generated = new HashMap<>();
        try (PreparedStatement statement = connection.prepareStatement(TARGET_COLUMNS)) {
            statement.setString(1, target.quoted());
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    generated.put(rows.getString(1), rows.getBoolean(2));
                }
            }
        }
        return generated;
    }
}
