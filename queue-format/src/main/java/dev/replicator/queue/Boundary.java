package dev.replicator.queue;

import java.util.List;
import java.util.Objects;

/**
 * Where a dump meets the stream. After restoring, a slave applies every transaction with {@code seq > baseSeq} that the
 * boundary does not include, until the dump's marker record has passed; after the marker nothing can be included.
 *
 * @param baseSeq every transaction up to this one is in the dump
 * @param xmin all 64-bit transaction ids below are visible to the snapshot
 * @param xmax all ids at or above are not
 * @param inProgress ids between them that are not, ascending
 * @param markerId text of the DUMP_MARKER record that settles it (rule R15)
 */
public record Boundary(long baseSeq, long xmin, long xmax, List<Long> inProgress, String markerId) {

    public Boundary {
        Objects.requireNonNull(markerId, "markerId");
        inProgress = List.copyOf(inProgress);
        if (xmin > xmax) {
            throw new IllegalArgumentException("xmin " + xmin + " above xmax " + xmax);
        }
    }

    /**
     * Whether the dump already holds what the transaction did.
     *
     * @param seq the transaction's number
     * @param transactionId its full 64-bit id (rule R13)
     */
    public boolean includes(long seq, long transactionId) {
        return seq <= baseSeq || isVisible(transactionId);
    }

    /** Whether the snapshot sees the transaction (PostgreSQL manual, pg_snapshot functions). */
    public boolean isVisible(long transactionId) {
        if (transactionId < xmin) {
            return true;
        }
        return transactionId < xmax && java.util.Collections.binarySearch(inProgress, transactionId) < 0;
    }
}
