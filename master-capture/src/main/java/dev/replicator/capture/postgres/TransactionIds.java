package dev.replicator.capture.postgres;

/**
 * Extends the stream's 32-bit transaction ids to 64 bits (rule R13): the value nearest to the last full id known, which
 * is right as long as the two are less than 2^31 transactions apart. Thread-safe.
 */
public final class TransactionIds {
    private static final long WRAP = 1L << 32;

    private long lastFullId;

    /** A full id read from the server, for example the xmax of {@code pg_current_snapshot()}. */
    public synchronized void observe(long fullId) {
        lastFullId = Math.max(lastFullId, fullId);
    }

    /** The full id of a transaction in the stream. */
    public synchronized long extend(int id) {
        if (lastFullId == 0) {
            throw new IllegalStateException("no full transaction id was read from the server yet");
        }
        long full = (lastFullId & -WRAP) | Integer.toUnsignedLong(id);
        if (full - lastFullId > WRAP / 2) {
            return full - WRAP;
        }
        return lastFullId - full > WRAP / 2 ? full + WRAP : full;
    }
}
