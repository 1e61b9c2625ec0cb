package dev.replicator.slave.lane;

import dev.replicator.queue.Position;
import java.util.List;

/**
 * What one target transaction takes: consecutive whole transactions, or a piece of a large one, or one control item.
 *
 * @param runs changes in order
 * @param end position after it; null when it moves nothing
 * @param commitMicros commit time of its newest transaction; 0 when it has none
 * @param endMicros commit time of transaction {@code end.seq()}, if it is one of ours; else 0
 * @param transactions whole transactions in it
 * @param open true when more pieces of its transaction follow
 * @param event what else happens at its end, or null
 */
record Batch(
        List<ChangeRun> runs,
        Position end,
        long commitMicros,
        long endMicros,
        int transactions,
        boolean open,
        LaneItem event) {

    /** A batch whose last transaction is not ours. */
    Batch(List<ChangeRun> runs, Position end, long commitMicros, int transactions, boolean open, LaneItem event) {
        this(runs, end, commitMicros, 0, transactions, open, event);
    }

    /** Commit time of the transaction at a position, if this batch ends with it; else 0. */
    long commitMicrosAt(Position position) {
        return end != null && end.seq() == position.seq() ? endMicros : 0;
    }

    /** Whole transactions and nothing else: what follows does not depend on how it is applied. */
    boolean isOrdinary() {
        return event == null && !open;
    }

    boolean hasChanges() {
        return !runs.isEmpty() || open;
    }
}
