package dev.replicator.slave.postgres;

import dev.replicator.queue.Utf8Slice;
import dev.replicator.queue.ValueEncoding;
import java.util.Arrays;
import java.util.function.IntFunction;
import org.postgresql.core.BaseConnection;
import org.postgresql.core.Oid;
import org.postgresql.jdbc.PgArray;

/**
 * A column of values as the server's binary array, made without a connection, so that any thread may make it (PostgreSQL
 * source, {@code array_recv}): dimensions, whether there are nulls, the element's type, length and lower bound; then each
 * element's length, -1 for NULL, and its bytes.
 */
final class BinaryArray {
    private static final int HEADER = 20;

    private final String elementType;
    private final int arrayType;
    private byte[] bytes;
    private int end;

    private BinaryArray(String elementType, int type, int arrayType, int elements) {
        this.elementType = elementType;
        this.arrayType = arrayType;
        this.bytes = new byte[HEADER + 12 * elements];
        putInt(elements == 0 ? 0 : 1);
        putInt(1);
        putInt(type);
        if (elements > 0) {
            putInt(elements);
            putInt(1);
        }
    }

    /** Values that the stream encodes like this. */
    static BinaryArray of(ValueEncoding encoding, int rows, IntFunction<Object> value) {
        return switch (encoding) {
            case INT -> ints(rows, value);
            case LONG -> longs(rows, value);
            default -> texts(rows, value);
        };
    }

    /** SQL name of the elements' type. */
    static String elementType(ValueEncoding encoding) {
        return switch (encoding) {
            case INT -> "int4";
            case LONG -> "int8";
            default -> "text";
        };
    }

    private static BinaryArray ints(int rows, IntFunction<Object> value) {
        BinaryArray array = new BinaryArray(elementType(ValueEncoding.INT), Oid.INT4, Oid.INT4_ARRAY, rows);
        for (int i = 0; i < rows; i++) {
            Integer element = (Integer) value.apply(i);
            array.putInt(element == null ? -1 : Integer.BYTES);
            if (element != null) {
                array.putInt(element);
            }
        }
        return array;
    }

    private static BinaryArray longs(int rows, IntFunction<Object> value) {
        BinaryArray array = new BinaryArray(elementType(ValueEncoding.LONG), Oid.INT8, Oid.INT8_ARRAY, rows);
        for (int i = 0; i < rows; i++) {
            Long element = (Long) value.apply(i);
            array.putInt(element == null ? -1 : Long.BYTES);
            if (element != null) {
                array.putInt((int) (element >> Integer.SIZE));
                array.putInt(element.intValue());
            }
        }
        return array;
    }

    static BinaryArray texts(int rows, IntFunction<Object> value) {
        BinaryArray array = new BinaryArray(elementType(ValueEncoding.TEXT), Oid.TEXT, Oid.TEXT_ARRAY, rows);
        for (int i = 0; i < rows; i++) {
            Utf8Slice text = Values.utf8(value.apply(i));
            array.putInt(text == null ? -1 : text.length());
            if (text != null) {
                array.put(text);
            }
        }
        return array;
    }

    private void put(Utf8Slice text) {
        require(text.length());
        System.arraycopy(text.array(), text.offset(), bytes, end, text.length());
        end += text.length();
    }

    private void putInt(int value) {
        require(Integer.BYTES);
        bytes[end++] = (byte) (value >> 24);
        bytes[end++] = (byte) (value >> 16);
        bytes[end++] = (byte) (value >> 8);
        bytes[end++] = (byte) value;
    }

    private void require(int more) {
        if (bytes.length - end < more) {
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, end + more));
        }
    }

    /** SQL name of the element's type. */
    String elementType() {
        return elementType;
    }

    /** As a parameter of a statement of this connection. */
    PgArray of(BaseConnection connection) throws java.sql.SQLException {
        return new PgArray(connection, arrayType, Arrays.copyOf(bytes, end));
    }
}
