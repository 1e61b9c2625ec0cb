package dev.replicator.queue.format;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.Unchanged;
import dev.replicator.queue.ValueEncoding;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Random tables and changes. The seed is printed by its users, so that a failure can be repeated. */
final class RandomRows {
    private static final String[] NAMES = {"id", "1st", "a b", "größe", "select", "_", "x".repeat(63), "\"q\"", "日本"};

    private final Random random;

    RandomRows(long seed) {
        random = new Random(seed);
    }

    int below(int bound) {
        return random.nextInt(bound);
    }

    byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    TableSchema table(int id) {
        List<ColumnSchema> columns = new ArrayList<>();
        int count = 1 + random.nextInt(NAMES.length);
        for (int i = 0; i < count; i++) {
            ValueEncoding encoding = ValueEncoding.values()[random.nextInt(ValueEncoding.values().length)];
            columns.add(
                    new ColumnSchema(NAMES[i], "type" + i, random.nextInt(10_000), random.nextInt(), i == 0, encoding));
        }
        return TableSchemas.create(id, new TableName("s" + id, "t.\"x\"" + id), 1 + random.nextInt(9), 'd', columns);
    }

    RowChange change(TableSchema table) {
        return switch (ChangeKind.values()[random.nextInt(4)]) {
            case INSERT -> new RowChange(ChangeKind.INSERT, null, row(table));
            case UPDATE -> new RowChange(ChangeKind.UPDATE, random.nextBoolean() ? row(table) : null, row(table));
            case DELETE -> new RowChange(ChangeKind.DELETE, row(table), null);
            case TRUNCATE -> new RowChange(ChangeKind.TRUNCATE, null, null);
        };
    }

    private Object[] row(TableSchema table) {
        Object[] row = new Object[table.columns().size()];
        for (int i = 0; i < row.length; i++) {
            int choice = random.nextInt(10);
            row[i] = choice == 0
                    ? null
                    : choice == 1
                            ? Unchanged.UNCHANGED
                            : value(table.columns().get(i).encoding());
        }
        return row;
    }

    private Object value(ValueEncoding encoding) {
        return switch (encoding) {
            case BOOLEAN -> random.nextBoolean();
            case INT -> random.nextInt() >> random.nextInt(32);
            case LONG -> random.nextInt(8) == 0
                    ? random.nextBoolean() ? Long.MIN_VALUE : Long.MAX_VALUE
                    : random.nextLong() >> random.nextInt(64);
            case BYTES -> bytes(random.nextInt(50));
            case TEXT -> text();
        };
    }

    private String text() {
        int length = random.nextInt(20) == 0 ? 5000 : random.nextInt(20);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            int point = random.nextInt(4) == 0 ? 0x1F600 + random.nextInt(50) : 1 + random.nextInt(0x7FF);
            text.appendCodePoint(point);
        }
        return text.toString();
    }
}
