package dev.replicator.queue.store;

import java.nio.file.Path;

/**
 * How a queue is kept. Group commit has no setting here: an fsync starts as soon as the previous one ended and something
 * waits; see {@link ReplicationQueue#mayGather}.
 *
 * @param directory where; created when missing
 * @param segmentBytes a segment is closed when its records take this much, its opening schemas not counted
 * @param largeTransactionBytes a body above this gets a segment of its own and is never held in memory
 */
public record QueueOptions(Path directory, long segmentBytes, long largeTransactionBytes) {
    public static final long DEFAULT_SEGMENT_BYTES = 64L << 20;
    public static final long DEFAULT_LARGE_TRANSACTION_BYTES = 16L << 20;

    /** Defaults for a directory. */
    public static QueueOptions of(Path directory) {
        return new QueueOptions(directory, DEFAULT_SEGMENT_BYTES, DEFAULT_LARGE_TRANSACTION_BYTES);
    }
}
