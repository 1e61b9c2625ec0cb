package dev.replicator.capture.postgres;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.ValueEncoding;
import dev.replicator.queue.format.ChangeEncoder;
import java.nio.ByteBuffer;

/**
 * A table as the stream last described it, and the way from a tuple of the stream (PostgreSQL manual, "Logical
 * Replication Message Formats", TupleData) to an image in a block, without an object per value.
 */
final class StreamRelation {
    private static final ValueEncoding[] NO_ENCODINGS = {};

    private final TableSchema schema;
    private final ValueEncoding[] encodings;
    private final boolean[] identity;

    StreamRelation(TableSchema schema) {
        this.schema = schema;
        this.encodings =
                schema.columns().stream().map(ColumnSchema::encoding).toList().toArray(NO_ENCODINGS);
        this.identity = new boolean[encodings.length];
        for (int i = 0; i < identity.length; i++) {
            identity[i] = schema.columns().get(i).identity();
        }
    }

    TableSchema schema() {
        return schema;
    }

    /**
     * Copies one tuple.
     *
     * @param in stands at the tuple's column count; is moved behind the tuple
     * @param keyOnly true for an old tuple of which only the identity columns were sent
     */
    void copyImage(ByteBuffer in, boolean keyOnly, ChangeEncoder out, ChangeKind kind) throws ProtocolException {
        int count = in.getShort() & 0xFFFF;
        if (count != encodings.length) {
            throw new ProtocolException(kind + " of " + schema.name() + " has " + count
                    + " values, its Relation message " + encodings.length + " columns");
        }
        out.image();
        for (int i = 0; i < count; i++) {
            byte form = in.get();
            boolean known = !keyOnly || identity[i];
            switch (form) {
                case 'n' -> {
                    if (known) {
                        out.nullValue();
                    } else {
                        // The server fills columns outside the key with nulls: they are unknown, not null.
                        out.unchanged();
                    }
                }
                case 'u' -> out.unchanged();
                case 't' -> copyText(in, i, known, out);
                default -> throw new ProtocolException("value form '" + (char) form + "' in " + kind + " of "
                        + schema.name() + " is not one of n, u, t");
            }
        }
    }

    private void copyText(ByteBuffer in, int column, boolean known, ChangeEncoder out) throws ProtocolException {
        int length = in.getInt();
        int at = in.arrayOffset() + in.position();
        if (length < 0 || length > in.remaining()) {
            throw new ProtocolException("a value of " + schema.name() + " reaches beyond its message");
        }
        in.position(in.position() + length);
        if (!known) {
            out.unchanged();
            return;
        }
        byte[] bytes = in.array();
        switch (encodings[column]) {
            case TEXT -> out.bytesValue(bytes, at, length);
            case INT, LONG -> out.integerValue(parseInteger(bytes, at, length, column));
            case BOOLEAN -> out.booleanValue(bytes[at] == 't');
            case BYTES -> out.bytesValue(bytes, at, decodeHex(bytes, at, length, column));
        }
    }

    private long parseInteger(byte[] bytes, int at, int length, int column) throws ProtocolException {
        boolean negative = length > 0 && bytes[at] == '-';
        // Counts downwards: the smallest long has no positive counterpart.
        long value = 0;
        int end = at + length;
        for (int i = negative ? at + 1 : at; i < end; i++) {
            int digit = bytes[i] - '0';
            if (digit < 0 || digit > 9) {
                throw notA("integer", column);
            }
            value = value * 10 - digit;
        }
        if (length == 0 || length > 20) {
            throw notA("integer", column);
        }
        return negative ? value : -value;
    }

    /** Turns {@code \x...} into bytes in place; the buffer belongs to this message alone. */
    private int decodeHex(byte[] bytes, int at, int length, int column) throws ProtocolException {
        if (length < 2 || bytes[at] != '\\' || bytes[at + 1] != 'x' || (length & 1) != 0) {
            throw notA("bytea in hex form", column);
        }
        int count = (length - 2) / 2;
        int from = at + 2;
        for (int i = 0; i < count; i++) {
            int high = Character.digit(bytes[from++], 16);
            int low = Character.digit(bytes[from++], 16);
            if ((high | low) < 0) {
                throw notA("bytea in hex form", column);
            }
            bytes[at + i] = (byte) (high << 4 | low);
        }
        return count;
    }

    private ProtocolException notA(String what, int column) {
        ColumnSchema failed = schema.columns().get(column);
        return new ProtocolException("value of " + schema.name() + "." + failed.name() + " (" + failed.typeName()
                + ") is no " + what + "; do the replication session's settings differ from what was asked?");
    }
}
