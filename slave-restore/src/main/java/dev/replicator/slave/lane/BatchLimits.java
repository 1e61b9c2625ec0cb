package dev.replicator.slave.lane;

import java.time.Duration;

/**
 * How much one target transaction takes.
 *
 * @param transactions at most this many master transactions
 * @param interval a batch waits at most this long for more that is known to come
 * @param bytes at most this many bytes, uncompressed; a larger transaction is cut into pieces of this size
 */
public record BatchLimits(int transactions, Duration interval, long bytes) {
    /** Bytes of a batch unless configured otherwise. */
    public static final long DEFAULT_BYTES = 8L << 20;

    /** One master transaction for one target transaction, after a conflict (rule R23). */
    BatchLimits careful() {
        return new BatchLimits(1, Duration.ZERO, bytes);
    }
}
