package dev.replicator.queue;

/**
 * PostgreSQL log sequence numbers as unsigned 64-bit values: byte positions in the write-ahead log (PostgreSQL manual,
 * pg_lsn type). For MariaDB the same 64 bits hold {@code binlog file number << 32 | offset}.
 */
public final class Lsn {
    private Lsn() {}

    /** Formats as the server does, for example {@code 0/16B3748}. */
    public static String format(long lsn) {
        return Long.toHexString(lsn >>> 32).toUpperCase(java.util.Locale.ROOT)
                + "/"
                + Long.toHexString(lsn & 0xFFFFFFFFL).toUpperCase(java.util.Locale.ROOT);
    }

    /**
     * Parses {@code XXX/XXX}.
     *
     * @throws IllegalArgumentException when the text is not an LSN; garbage never becomes 0
     */
    public static long parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 1 || slash > 8 || text.length() - slash - 1 < 1 || text.length() - slash - 1 > 8) {
            throw new IllegalArgumentException("not an LSN: '" + text + "' (expected for example 0/16B3748)");
        }
        try {
            long high = Long.parseLong(text, 0, slash, 16);
            long low = Long.parseLong(text, slash + 1, text.length(), 16);
            if (high < 0 || low < 0) {
                throw new NumberFormatException("signed");
            }
            return high << 32 | low;
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("not an LSN: '" + text + "' (expected for example 0/16B3748)", e);
        }
    }
}
