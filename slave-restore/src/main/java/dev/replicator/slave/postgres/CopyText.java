package dev.replicator.slave.postgres;

import java.nio.charset.StandardCharsets;
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
            String text = Values.text(row[indexes[i]]);
            if (text == null) {
                put('\\');
                put('N');
            } else {
                escape(text.getBytes(StandardCharsets.UTF_8));
            }
        }
        put('\n');
    }

    /** The characters to be escaped are single bytes, which no other character's bytes contain. */
    private void escape(byte[] text) {
        require(2 * text.length);
        for (byte b : text) {
            switch (b) {
                case '\\' -> escaped('\\');
                case '\t' -> escaped('t');
                case '\n' -> escaped('n');
                case '\r' -> escaped('r');
                default -> buffer[end++] = b;
            }
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
