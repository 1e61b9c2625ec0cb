package dev.replicator.slave.postgres;

import dev.replicator.queue.Utf8Slice;
import java.util.Arrays;
import java.util.List;

/** Rows in COPY's text format, chunk after chunk. No database in here. Not thread-safe. */
final class CopyText {
    private static final int CHUNK = 1 << 16;

    private final List<Object[]> rows;
    private final int[] indexes;
    private byte[] buffer = new byte[CHUNK + 1024];
    private int end;
    private int next;

    /**
     * @param rows row images
     * @param indexes position in the image per target column
     */
    CopyText(List<Object[]> rows, int[] indexes) {
        this.rows = rows;
        this.indexes = indexes;
    }

    /** The next rows; null when there are no more. */
    byte[] next() {
        end = 0;
        while (next < rows.size() && end < CHUNK) {
            write(rows.get(next++));
        }
        return end == 0 ? null : Arrays.copyOf(buffer, end);
    }

    private void write(Object[] row) {
        for (int i = 0; i < indexes.length; i++) {
            if (i > 0) {
                put('\t');
            }
            value(row[indexes[i]]);
        }
        put('\n');
    }

    private void value(Object value) {
        if (value == null) {
            put('\\');
            put('N');
        } else if (value instanceof Integer || value instanceof Long) {
            number(((Number) value).longValue());
        } else {
            Utf8Slice text = Values.utf8(value);
            escape(text.array(), text.offset(), text.length());
        }
    }

    /** Digits from the last to the first; a negative number's digits are those of its negative remainders. */
    private void number(long value) {
        require(20);
        if (value < 0) {
            buffer[end++] = '-';
        }
        int length = 1;
        for (long left = value / 10; left != 0; left /= 10) {
            length++;
        }
        long left = value;
        for (int at = end + length - 1; at >= end; at--) {
            buffer[at] = (byte) ('0' + Math.abs(left % 10));
            left /= 10;
        }
        end += length;
    }

    /** The characters to be escaped are single bytes, which no other character's bytes contain. */
    private void escape(byte[] text, int offset, int length) {
        require(2 * length);
        int plain = offset;
        for (int i = offset; i < offset + length; i++) {
            byte b = text[i];
            if (b <= '\r' && b >= '\t' || b == '\\') {
                copy(text, plain, i);
                special(b);
                plain = i + 1;
            }
        }
        copy(text, plain, offset + length);
    }

    private void copy(byte[] text, int from, int to) {
        System.arraycopy(text, from, buffer, end, to - from);
        end += to - from;
    }

    private void special(byte b) {
        switch (b) {
            case '\\' -> escaped('\\');
            case '\t' -> escaped('t');
            case '\n' -> escaped('n');
            case '\r' -> escaped('r');
            default -> buffer[end++] = b;
        }
    }

    private void escaped(char b) {
        buffer[end++] = '\\';
        buffer[end++] = (byte) b;
    }

    private void put(char b) {
        require(1);
        buffer[end++] = (byte) b;
    }

    private void require(int more) {
        if (buffer.length - end < more) {
            buffer = Arrays.copyOf(buffer, Math.max(2 * buffer.length, end + more));
        }
    }
}
