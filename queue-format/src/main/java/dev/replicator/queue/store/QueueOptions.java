package dev.replicator.queue.store;

import java.nio.file.Path;
import java.time.Duration;

/**
 * How a queue is kept.
 *
 * @param directory where; created when missing
 * @param segmentBytes a segment is closed at this size
 * @param largeTransactionBytes a body above this gets a segment of its own and is never held in memory
 * @param maxCommitDelay bounds how long an appended record may wait for its fsync; it causes no waiting by itself
 */
public record QueueOptions(Path directory, long segmentBytes, long largeTransactionBytes, Duration maxCommitDelay) {
    public static final long DEFAULT_SEGMENT_BYTES = 64L << 20;
    public static final long DEFAULT_LARGE_TRANSACTION_BYTES = 16L << 20;

    /** Defaults for a directory. */
    public static QueueOptions of(Path directory) {
        return new QueueOptions(
                directory, DEFAULT_SEGMENT_BYTES, DEFAULT_LARGE_TRANSACTION_BYTES, Duration.ofMillis(5));
    }
}
