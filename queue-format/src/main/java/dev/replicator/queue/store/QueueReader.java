package dev.replicator.queue.store;

import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Set;

/**
 * Reads records in order: durable ones, unless {@link #showWritten} asks for more. Used by one thread. Holds its segment
 * file open, so pruning never pulls it away.
 */
public interface QueueReader extends AutoCloseable {
    /**
     * Moves to the next durable record.
     *
     * @return its header, or null when there is none yet
     * @throws CorruptQueueException naming file and offset
     * @throws PositionPrunedException when the next segment was pruned meanwhile
     */
    RecordHeader next() throws IOException;

    /**
     * Moves to the next durable record that is not a transaction, or is a transaction with a table of the set; uses
     * segment summaries to pass over whole segments. Heartbeats of segments passed over are not shown; {@link
     * #passedLsn} has them.
     *
     * @return its header, or null when all durable records were passed
     */
    RecordHeader next(Set<Integer> tableIds) throws IOException;

    /**
     * From here on transactions and heartbeats are shown as soon as they are written. After a power failure they may be gone,
     * and whoever saw them is ahead of this queue until they were appended again. Any other record is shown once it is durable,
     * and what stands behind it after it.
     */
    void showWritten();

    /** Whether the last {@link #next} came to a record that is written and must be durable first. */
    boolean waitsForDisk();

    /** seq of the last transaction passed, matching or not. */
    long passedSeq();

    /** How far the source is known behind what was passed: the LSN of the last transaction or heartbeat. */
    long passedLsn();

    /**
     * The current record's whole image, for records up to {@code maxBytes}; valid until the next call of this reader.
     *
     * @throws IllegalStateException when it is larger: use {@link #blocks}
     */
    default ByteBuffer image(int maxBytes) throws IOException {
        return image(maxBytes, block -> {});
    }

    /** The same; each block's header is told on the way, once the block is verified. */
    ByteBuffer image(int maxBytes, BlockVisitor blocks) throws IOException;

    /** Is told of a block. */
    @FunctionalInterface
    interface BlockVisitor {
        void met(BlockHeader header) throws IOException;
    }

    /**
     * Streams the current record's blocks; {@link RecordHandler#header} and {@link RecordHandler#end} are called too.
     * Blocks of tables not in the set are passed over unread.
     *
     * @param tableIds tables to read, or null for all
     */
    void blocks(Set<Integer> tableIds, RecordHandler handler) throws IOException;

    /** File and offset of the current record, for messages. */
    Path file();

    long offset();

    @Override
    void close() throws IOException;
}
