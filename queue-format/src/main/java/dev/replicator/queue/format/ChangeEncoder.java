package dev.replicator.queue.format;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.Unchanged;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes changes as Avro binary (Avro specification, "Binary Encoding") straight from the source's bytes, without an
 * object per value. The sequence for one change: {@link #begin}, then before image, then after image; an image is
 * either {@link #noImage} or {@link #image} followed by exactly one value call per column.
 *
 * <p>The encoder does not know the schema: the caller chooses the value call that fits the column's {@link
 * dev.replicator.queue.ValueEncoding}.
 */
public final class ChangeEncoder {
    // Union branches as zig-zag varints.
    private static final byte BRANCH_NULL = 0;
    private static final byte BRANCH_VALUE = 2;
    private static final byte BRANCH_UNCHANGED = 4;

    private byte[] buffer = new byte[8192];
    private int length;

    /** Starts a change. */
    public void begin(ChangeKind kind) {
        reserve(1);
        buffer[length++] = (byte) (kind.ordinal() << 1);
    }

    public void noImage() {
        reserve(1);
        buffer[length++] = BRANCH_NULL;
    }

    public void image() {
        reserve(1);
        buffer[length++] = BRANCH_VALUE;
    }

    public void nullValue() {
        reserve(1);
        buffer[length++] = BRANCH_NULL;
    }

    public void unchanged() {
        reserve(1);
        buffer[length++] = BRANCH_UNCHANGED;
    }

    public void booleanValue(boolean value) {
        reserve(2);
        buffer[length++] = BRANCH_VALUE;
        buffer[length++] = (byte) (value ? 1 : 0);
    }

    /** An Avro int or long; both have one encoding. */
    public void integerValue(long value) {
        reserve(11);
        buffer[length++] = BRANCH_VALUE;
        varint(value);
    }

    /** An Avro string or bytes; both have one encoding. Text is UTF-8. */
    public void bytesValue(byte[] source, int offset, int count) {
        reserve(11 + count);
        buffer[length++] = BRANCH_VALUE;
        varint(count);
        System.arraycopy(source, offset, buffer, length, count);
        length += count;
    }

    /** Writes a whole change from memory. */
    public void write(TableSchema schema, RowChange change) {
        begin(change.kind());
        writeImage(schema, change.before());
        writeImage(schema, change.after());
    }

    private void writeImage(TableSchema schema, Object[] image) {
        if (image == null) {
            noImage();
            return;
        }
        if (image.length != schema.columns().size()) {
            throw new IllegalArgumentException(
                    image.length + " values for " + schema.columns().size() + " columns of " + schema.name());
        }
        image();
        for (int i = 0; i < image.length; i++) {
            writeValue(schema.columns().get(i), image[i]);
        }
    }

    private void writeValue(ColumnSchema column, Object value) {
        if (value == null) {
            nullValue();
        } else if (value == Unchanged.UNCHANGED) {
            unchanged();
        } else {
            switch (column.encoding()) {
                case BOOLEAN -> booleanValue((Boolean) value);
                case INT, LONG -> integerValue(((Number) value).longValue());
                case BYTES -> bytesValue((byte[]) value, 0, ((byte[]) value).length);
                case TEXT -> {
                    byte[] utf8 = ((String) value).getBytes(StandardCharsets.UTF_8);
                    bytesValue(utf8, 0, utf8.length);
                }
            }
        }
    }

    /** Bytes written since the last {@link #reset()}. */
    int length() {
        return length;
    }

    /** The backing array; valid up to {@link #length()} until the next write. */
    byte[] array() {
        return buffer;
    }

    void reset() {
        length = 0;
        if (buffer.length > 4 << 20) {
            buffer = new byte[8192];
        }
    }

    /** Drops what was written behind a length. */
    void reset(int toLength) {
        length = toLength;
    }

    private void varint(long value) {
        long zigzag = (value << 1) ^ (value >> 63);
        while ((zigzag & ~0x7FL) != 0) {
            buffer[length++] = (byte) ((zigzag & 0x7F) | 0x80);
            zigzag >>>= 7;
        }
        buffer[length++] = (byte) zigzag;
    }

    private void reserve(int count) {
        int needed = Math.addExact(length, count);
        if (needed > buffer.length) {
            long doubled = Math.max(needed, buffer.length * 2L);
            buffer = Arrays.copyOf(buffer, (int) Math.min(doubled, Integer.MAX_VALUE - 16));
        }
    }
}
