package dev.replicator.queue.store;

import dev.replicator.queue.format.RecordHeader;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Appends records. Used by one thread. Returning from {@link #append} means taken over, not durable: the sync thread
 * writes records in groups and makes each group durable, as soon as the previous fsync ended.
 */
public interface QueueWriter {
    /**
     * Appends a whole record image. A transaction's seq must be the last one plus 1 and its epoch the queue's (rule
     * R07); other records carry the last seq. A SCHEMA record is remembered for {@link ReplicationQueue#schema}.
     *
     * @param image from position to limit; consumed
     * @throws OutOfOrderException when seq or epoch do not follow
     * @throws QueueFullException when the disk is full: nothing was appended, the caller may try again
     * @throws IOException when the disk failed; the queue must be closed and opened again
     */
    void append(RecordHeader header, ByteBuffer image) throws IOException;

    /**
     * Starts a transaction too large for memory: its blocks go to a segment of their own first, and only {@link
     * LargeRecord#commit} makes the record exist. Until it is committed or closed, only records other than transactions
     * may be appended; they come before it.
     */
    LargeRecord beginLarge() throws IOException;

    /** seq of the last appended transaction, durable or not. */
    long lastSeq();

    /**
     * Shows all that was appended to readers of written records; it becomes durable as ever. A full disk is met by the next
     * call of another method.
     *
     * @throws IOException when the disk failed; the queue must be closed and opened again
     */
    void write() throws IOException;

    /**
     * Waits until all that was appended is durable.
     *
     * @throws QueueFullException when the disk is full: what was appended is kept in memory and tried again, every
     *     second and with every call
     */
    void sync() throws IOException;
}
