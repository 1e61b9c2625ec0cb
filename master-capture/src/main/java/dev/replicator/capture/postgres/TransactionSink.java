package dev.replicator.capture.postgres;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.ChangeEncoder;
import java.io.IOException;

/**
 * Receives what the stream carries, in commit order. The sequence for one transaction is {@link #begin}, any mix of the
 * others, {@link #commit}. Called by one thread.
 */
public interface TransactionSink {
    /**
     * A transaction begins.
     *
     * @param commitLsn where its commit record begins; below its end LSN
     * @param commitMicros commit time, microseconds since 1970-01-01 UTC
     * @param transactionId 32-bit id of the top transaction
     */
    void begin(long commitLsn, long commitMicros, int transactionId) throws IOException;

    /** The stream describes a table. The schema has incarnation 1, whatever the table's is. */
    void relation(TableSchema schema) throws IOException;

    /** A change begins; the caller writes both images into the encoder, then calls {@link #endChange()}. */
    ChangeEncoder beginChange(TableSchema schema, ChangeKind kind) throws IOException;

    void endChange() throws IOException;

    /** A logical message, inside a transaction or, if not transactional, between two. */
    void message(boolean transactional, String prefix, String content) throws IOException;

    /** The transaction is complete; its position is {@code endLsn}. */
    void commit(long endLsn) throws IOException;
}
