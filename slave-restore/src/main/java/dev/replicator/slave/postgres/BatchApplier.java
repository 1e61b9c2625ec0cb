package dev.replicator.slave.postgres;

import dev.replicator.queue.RowChange;
import dev.replicator.slave.netting.FallbackMemory;
import java.sql.Connection;
import java.sql.SQLException;

/**
 * The fast path: collects a batch's changes, nets them by key and writes them with set-based statements inside the
 * caller's transaction. Not thread-safe.
 *
 * <p>Use: {@link #add} every change of the batch in master order, {@link #finish}, write nothing more, commit. After any
 * exception roll back and call {@link #reset}. The same change may be added under two bindings (table and shadow).
 */
public final class BatchApplier implements AutoCloseable {

    /**
     * @param connection a session of {@link TargetSession}, with auto-commit off
     * @param memory tables to be applied one by one; the caller tells it about commits and fall-backs
     */
    public BatchApplier(Connection connection, ApplyOptions options, FallbackMemory memory) throws SQLException {}

    /** Collects a change; flushes a piece when the memory bound is reached or the change cannot be netted further. */
    public void add(TableBinding binding, RowChange change) throws SQLException, BatchConflictException {
        throw new UnsupportedOperationException();
    }

    /** Writes what is collected. */
    public void flush() throws SQLException, BatchConflictException {
        throw new UnsupportedOperationException();
    }

    /** Writes what is left and checks every deferred constraint (rule R18): commit may follow. */
    public void finish() throws SQLException, BatchConflictException {
        throw new UnsupportedOperationException();
    }

    /** Forgets what is collected, after a rollback. */
    public void reset() throws SQLException {
        throw new UnsupportedOperationException();
    }

    public ApplyStats stats() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() throws SQLException {}
}
