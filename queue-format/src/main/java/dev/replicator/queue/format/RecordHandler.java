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
     * @param block whole block at the buffer's position; valid during the call only
     */
    void block(BlockHeader header, ByteBuffer block) throws IOException;

    /** The current record is complete. */
    void end(RecordHeader header) throws IOException;
}
