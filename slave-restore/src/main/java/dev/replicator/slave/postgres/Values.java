package dev.replicator.slave.postgres;

import dev.replicator.queue.RowChange;
import dev.replicator.queue.Unchanged;
import dev.replicator.queue.Utf8Slice;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** Values of row images as the server's text. */
final class Values {
    private static final int OVERHEAD = 24;
    private static final HexFormat HEX = HexFormat.of();

    private Values() {}

    /** The text PostgreSQL reads for this value; null for NULL. */
    static String text(Object value) {
        if (value == null || value instanceof String) {
            return (String) value;
        }
        if (value instanceof Boolean bool) {
            return bool ? "t" : "f";
        }
        if (value instanceof byte[] bytes) {
            return "\\x" + HEX.formatHex(bytes);
        }
        if (value == Unchanged.UNCHANGED) {
            throw new IllegalStateException("a value the master did not send was about to be written");
        }
        return value.toString();
    }

    /** {@link #text} as UTF-8; null for NULL. */
    static Utf8Slice utf8(Object value) {
        if (value == null || value instanceof Utf8Slice) {
            return (Utf8Slice) value;
        }
        byte[] text = text(value).getBytes(StandardCharsets.UTF_8);
        return new Utf8Slice(text, 0, text.length);
    }

    /** Estimated heap held by a change, in bytes. */
    static long size(RowChange change) {
        return 2 * OVERHEAD + size(change.before()) + size(change.after());
    }

    private static long size(Object[] image) {
        long size = OVERHEAD;
        if (image != null) {
            for (Object value : image) {
                size += OVERHEAD;
                if (value instanceof String text) {
                    size += OVERHEAD + text.length();
                } else if (value instanceof Utf8Slice text) {
                    size += text.length();
                } else if (value instanceof byte[] bytes) {
                    size += bytes.length;
                }
            }
        }
        return size;
    }
}
