package dev.replicator.capture;

import dev.replicator.queue.Epoch;
import java.io.IOException;

/**
 * Where {@link CommitLog} keeps its entries: dense in seq from a base on. What was appended is durable after {@link
 * #sync} only. Used under the lock of {@link CommitLog}.
 */
interface CommitLogStore extends AutoCloseable {
    Epoch epoch();

    long baseSeq();

    long baseLsn();

    /** Last entry, buffered or written. */
    long lastSeq();

    void append(CommitEntry entry) throws IOException;

    /** Writes buffered entries. */
    void flush() throws IOException;

    void sync() throws IOException;

    /** Reads a written entry. */
    CommitEntry read(long seq) throws IOException;

    void truncateAfter(long seq) throws IOException;

    boolean isWorthPruning(long upToSeq);

    /** Replaces this store by one that begins behind a seq, and closes this one. */
    CommitLogStore prunedUpTo(long seq) throws IOException;

    @Override
    void close() throws IOException;
}
