package dev.replicator.slave.postgres;

/**
 * Bounds of the fast path.
 *
 * @param memoryBytes estimated size of collected row images at which a batch is flushed in a piece
 * @param copyRows number of inserted rows of one table from which COPY is used instead of INSERT
 */
public record ApplyOptions(long memoryBytes, int copyRows) {

    public ApplyOptions {
        if (memoryBytes < 1 || copyRows < 1) {
            throw new IllegalArgumentException(
                    "memoryBytes " + memoryBytes + " and copyRows " + copyRows + " must be positive");
        }
    }

    /** 32 MiB; COPY from 100 rows on, a choice that was not measured. */
    public static ApplyOptions defaults() {
        return new ApplyOptions(32L << 20, 100);
    }
}
