package dev.replicator.slave.lane;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.Unchanged;
import dev.replicator.slave.state.CopyLayout;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * While a copy is mirrored beside its live table: adds to the list of keys to rewrite those that changes move (rule R14).
 * More than needed does no harm, a listed row that is equal stays as it is.
 */
final class MirrorKeys {
    private final TableName list;
    private final CopyLayout layout;
    private final Set<List<String>> keys = new LinkedHashSet<>();

    /** @param list relation of the listed keys */
    MirrorKeys(TableName list, CopyLayout layout) {
        this.list = list;
        this.layout = layout;
    }

    /**
     * Notes the keys of a change.
     *
     * @param always also where the key stays: the table may have got something else than the copy
     */
    void note(TableSchema schema, RowChange change, boolean always) {
        if (layout.key().isEmpty() || change.kind() == ChangeKind.TRUNCATE) {
            return;
        }
        int[] columns =
                layout.key().stream().mapToInt(name -> indexOf(schema, name)).toArray();
        if (Arrays.stream(columns).anyMatch(column -> column < 0)) {
            return;
        }
        List<String> after = key(columns, change.after(), change.before());
        List<String> before = key(columns, change.before(), change.after());
        boolean moved = change.kind() == ChangeKind.UPDATE && !before.equals(after);
        if (moved || always) {
            keys.add(before);
            keys.add(after);
        }
    }

    /** Writes what was noted, in the transaction of the changes. */
    void write(Connection connection) throws SQLException {
        if (keys.isEmpty()) {
            return;
        }
        String values = String.join(", ", layout.key().stream().map(name -> "?").toList());
        try (PreparedStatement insert =
                connection.prepareStatement("INSERT INTO " + list.quoted() + " VALUES (" + values + ")")) {
            for (List<String> key : keys) {
                for (int i = 0; i < key.size(); i++) {
                    // OTHER: the server takes the text as a value of the column's own type.
                    insert.setObject(i + 1, key.get(i), Types.OTHER);
                }
                insert.addBatch();
            }
            insert.executeBatch();
        }
        keys.clear();
    }

    void forget() {
        keys.clear();
    }

    private static int indexOf(TableSchema schema, String name) {
        List<ColumnSchema> columns = schema.columns();
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).name().equals(name)) {
                return i;
            }
        }
        return -1;
    }

    /** Key values of an image; what it does not carry is as in the other one. */
    private static List<String> key(int[] columns, Object[] image, Object[] other) {
        List<String> key = new ArrayList<>(columns.length);
        for (int column : columns) {
            Object value = image == null ? Unchanged.UNCHANGED : image[column];
            if (value == Unchanged.UNCHANGED && other != null) {
                value = other[column];
            }
            key.add(text(value));
        }
        return key;
    }

    static String text(Object value) {
        if (value == null || value == Unchanged.UNCHANGED) {
            return null;
        }
        if (value instanceof byte[] bytes) {
            return "\\x" + HexFormat.of().formatHex(bytes);
        }
        return value.toString();
    }
}
