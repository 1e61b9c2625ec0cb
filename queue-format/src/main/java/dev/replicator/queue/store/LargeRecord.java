package dev.replicator.queue.store;

import dev.replicator.queue.format.RecordHeader;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A large transaction on its way to disk. Closing without commit removes what was written. */
public interface LargeRecord extends AutoCloseable {
    /** Appends one whole block or several. */
    void appendBody(ByteBuffer blocks) throws IOException;

    /**
     * Writes the header; the record exists from here on, durable with the next group.
     *
     * @throws OutOfOrderException see {@link QueueWriter#append}
     */
    void commit(RecordHeader header) throws IOException;

    @Override
    void close() throws IOException;
}
