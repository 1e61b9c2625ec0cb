package dev.replicator.slave.lane;

import dev.replicator.queue.Position;
import java.util.List;

/**
 * What one target transaction takes: consecutive whole transactions, or a piece of a large one, or one control item.
 *
 * @param runs changes in order
 * @param end position after it; null when it moves nothing
 * @param commitMicros commit time of its newest transaction; 0 when it has none
 * @param transactions whole transactions in it
 * @param open true when more pieces of its transaction follow
 * @param event what else happens at its end, or null
 */
record Batch(List<ChangeRun> runs, Position end, long commitMicros, int transactions, boolean open, LaneItem event) {

    boolean hasChanges() {
        return !runs.isEmpty() || open;
    }
}
