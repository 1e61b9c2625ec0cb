package dev.replicator.slave.lane;

import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.wire.TableSet;
import java.util.List;

/** What comes out of a lane's stream, in order. */
sealed interface LaneItem {
    /** Bytes it holds before decompression, an estimate of its memory. */
    default long bytes() {
        return 0;
    }

    /** seq of the last transaction that is complete at the front of this item. */
    long seq();

    /**
     * A transaction or a part of one.
     *
     * @param position the transaction's
     * @param commitMicros commit time on the master
     * @param runs its changes for us
     * @param last false when more pieces follow
     */
    record Piece(Position position, long commitMicros, List<ChangeRun> runs, long bytes, boolean first, boolean last)
            implements LaneItem {
        @Override
        public long seq() {
            return position.seq();
        }
    }

    /** The lane has everything up to a position. */
    record Passed(Position position, long commitMicros) implements LaneItem {
        @Override
        public long seq() {
            return position.seq();
        }
    }

    /** A dump's marker came by: its boundaries are settled. */
    record Settled(long seq, List<Replica> replicas) implements LaneItem {}

    /** A table of the lane, or a new one, became another. The decoder stops here. */
    record NewSchema(long seq, TableSchema schema) implements LaneItem {}

    /** The operator's table set from here on. */
    record NewTableSet(long seq, TableSet tableSet) implements LaneItem {}

    /** The stream is over; the reason is thrown to the one who takes. */
    record Broken(long seq, Throwable reason) implements LaneItem {}
}
