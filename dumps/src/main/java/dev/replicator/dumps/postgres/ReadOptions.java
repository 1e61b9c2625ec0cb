package dev.replicator.dumps.postgres;

import java.time.Duration;

/**
 * How tables are read.
 *
 * @param parallel readers per table, each with a connection of its own
 * @param chunkBytes COPY text after which a chunk ends
 * @param rangeBytes size of the table's own files that one reader takes at a time
 * @param lockPatience how long our lock may keep somebody's ACCESS EXCLUSIVE request waiting before we give up (rule R21)
 * @param lockTimeout how long we wait for a lock
 */
public record ReadOptions(int parallel, long chunkBytes, long rangeBytes, Duration lockPatience, Duration lockTimeout) {
    /** Two readers, chunks of 8 MiB, ranges of 64 MiB, 5 s and 60 s. */
    public static final ReadOptions DEFAULT =
            new ReadOptions(2, 8L << 20, 64L << 20, Duration.ofSeconds(5), Duration.ofSeconds(60));

    public ReadOptions {
        if (parallel < 1 || chunkBytes < 1 || rangeBytes < 1) {
            throw new IllegalArgumentException("parallel, chunkBytes and rangeBytes must be positive");
        }
    }

    public ReadOptions withParallel(int value) {
        return new ReadOptions(value, chunkBytes, rangeBytes, lockPatience, lockTimeout);
    }

    public ReadOptions withChunkBytes(long value) {
        return new ReadOptions(parallel, value, rangeBytes, lockPatience, lockTimeout);
    }

    public ReadOptions withRangeBytes(long value) {
        return new ReadOptions(parallel, chunkBytes, value, lockPatience, lockTimeout);
    }

    public ReadOptions withLockPatience(Duration value) {
        return new ReadOptions(parallel, chunkBytes, rangeBytes, value, lockTimeout);
    }

    public ReadOptions withLockTimeout(Duration value) {
        return new ReadOptions(parallel, chunkBytes, rangeBytes, lockPatience, value);
    }
}
