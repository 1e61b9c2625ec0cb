package dev.replicator.capture.postgres;

import dev.replicator.queue.Boundary;
import java.util.ArrayList;
import java.util.List;

/**
 * Text of {@code pg_current_snapshot()} as values (PostgreSQL manual, pg_snapshot functions).
 *
 * @param xmin all 64-bit transaction ids below are over
 * @param xmax all ids at or above have not begun, or are not seen
 * @param inProgress ids between them that are still running, ascending
 */
public record Snapshot(long xmin, long xmax, List<Long> inProgress) {

    public Snapshot {
        inProgress = List.copyOf(inProgress);
    }

    /**
     * Parses {@code xmin:xmax:id,id,...}.
     *
     * @throws IllegalArgumentException when the text is no snapshot
     */
    public static Snapshot parse(String text) {
        String[] parts = text.split(":", -1);
        if (parts.length != 3) {
            throw new IllegalArgumentException("not a snapshot: '" + text + "' (expected xmin:xmax:ids)");
        }
        List<Long> ids = new ArrayList<>();
        if (!parts[2].isEmpty()) {
            for (String id : parts[2].split(",", -1)) {
                ids.add(Long.valueOf(id));
            }
        }
        return new Snapshot(Long.parseLong(parts[0]), Long.parseLong(parts[1]), ids);
    }

    /** Whether the transaction is over and, if it committed, seen. */
    public boolean sees(long transactionId) {
        if (transactionId < xmin) {
            return true;
        }
        return transactionId < xmax && java.util.Collections.binarySearch(inProgress, transactionId) < 0;
    }

    /** The boundary of a dump taken under this snapshot. */
    public Boundary boundary(long baseSeq, String marker) {
        return new Boundary(baseSeq, xmin, xmax, inProgress, marker);
    }
}
