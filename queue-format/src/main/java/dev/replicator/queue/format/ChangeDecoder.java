package dev.replicator.queue.format;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.Unchanged;
import dev.replicator.queue.Utf8Slice;
import dev.replicator.queue.ValueEncoding;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Reads the changes of one block, the inverse of {@link ChangeEncoder}. */
public final class ChangeDecoder {
    private static final ChangeKind[] KINDS = ChangeKind.values();
    private static final byte BRANCH_NULL = 0;
    private static final byte BRANCH_UNCHANGED = 4;

    private final String table;
    private final ValueEncoding[] encodings;
    private final boolean slices;

    /** Makes each text a {@link String}. */
    public ChangeDecoder(TableSchema schema) {
        this(schema, false);
    }

    private ChangeDecoder(TableSchema schema, boolean slices) {
        this.slices = slices;
        this.table = schema.name().toString();
        List<ColumnSchema> columns = schema.columns();
        this.encodings = columns.stream().map(ColumnSchema::encoding).toArray(ValueEncoding[]::new);
    }

    /** Leaves each text in the payload's array, as a {@link Utf8Slice}. */
    public static ChangeDecoder ofSlices(TableSchema schema) {
        return new ChangeDecoder(schema, true);
    }

    /**
     * Decodes the next change.
     *
     * @param payload uncompressed payload of a block, see {@link Blocks#payload}; must have an array
     * @return a change whose arrays the caller owns
     * @throws CorruptRecordException when the bytes are no change of this schema
     */
    public RowChange next(ByteBuffer payload) throws CorruptRecordException {
        int start = payload.position();
        try {
            ChangeKind kind = KINDS[Math.toIntExact(varint(payload))];
            return new RowChange(kind, image(payload), image(payload));
        } catch (BufferUnderflowException | IndexOutOfBoundsException | ArithmeticException e) {
            CorruptRecordException corrupt =
                    new CorruptRecordException("a block of " + table, start, "not a change of its schema");
            corrupt.initCause(e);
            throw corrupt;
        }
    }

    private Object[] image(ByteBuffer in) {
        if (branch(in, 1) == BRANCH_NULL) {
            return null;
        }
        Object[] values = new Object[encodings.length];
        for (int i = 0; i < values.length; i++) {
            byte branch = branch(in, 2);
            if (branch == BRANCH_UNCHANGED) {
                values[i] = Unchanged.UNCHANGED;
            } else if (branch != BRANCH_NULL) {
                values[i] = value(in, encodings[i]);
            }
        }
        return values;
    }

    /** Union branch as it stands there, a zig-zag varint of one byte. */
    private static byte branch(ByteBuffer in, int last) {
        byte branch = in.get();
        if ((branch & 1) != 0 || branch < 0 || branch > last << 1) {
            throw new IndexOutOfBoundsException("no union branch " + branch);
        }
        return branch;
    }

    private Object value(ByteBuffer in, ValueEncoding encoding) {
        return switch (encoding) {
            case BOOLEAN -> in.get() != 0;
            case INT -> Math.toIntExact(varint(in));
            case LONG -> varint(in);
            case BYTES -> bytes(in);
            case TEXT -> text(in);
        };
    }

    private static byte[] bytes(ByteBuffer in) {
        byte[] value = new byte[checkedLength(in)];
        in.get(value);
        return value;
    }

    private Object text(ByteBuffer in) {
        int length = checkedLength(in);
        int offset = in.arrayOffset() + in.position();
        in.position(in.position() + length);
        return slices
                ? new Utf8Slice(in.array(), offset, length)
                : new String(in.array(), offset, length, StandardCharsets.UTF_8);
    }

    private static int checkedLength(ByteBuffer in) {
        long length = varint(in);
        if (length < 0 || length > in.remaining()) {
            throw new BufferUnderflowException();
        }
        return (int) length;
    }

    private static long varint(ByteBuffer in) {
        long zigzag = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            byte b = in.get();
            zigzag |= (long) (b & 0x7F) << shift;
            if (b >= 0) {
                return (zigzag >>> 1) ^ -(zigzag & 1);
            }
        }
        throw new IndexOutOfBoundsException("varint longer than 64 bits");
    }
}
