package dev.replicator.queue.format;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Receives records as they come off a stream, without holding a large one in memory. */
public interface RecordHandler {
    /** A record begins. */
    void header(RecordHeader header) throws IOException;

    /**
     * One verified block of the current record.
     *
     * @param block whole block at the buffer's position; valid during the call only, unless the source says more
     */
    void block(BlockHeader header, ByteBuffer block) throws IOException;

    /** The current record is complete. */
    void end(RecordHeader header) throws IOException;

    /** Whether a record that is there in one piece goes to {@link #whole} instead. */
    default boolean wantsWhole(RecordHeader header) {
        return false;
    }

    /**
     * A record as it came, header and blocks verified.
     *
     * @param image the record, from the buffer's position to its limit; valid during the call only
     */
    default void whole(RecordHeader header, ByteBuffer image) throws IOException {
        throw new UnsupportedOperationException("whole records were not asked for");
    }
}
