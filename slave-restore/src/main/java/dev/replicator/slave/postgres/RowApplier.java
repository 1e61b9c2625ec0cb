package dev.replicator.slave.postgres;

import dev.replicator.queue.RowChange;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;

/**
 * Careful mode: applies one change at a time, in master order, inside the caller's transaction. Not thread-safe.
 */
public final class RowApplier implements AutoCloseable {
    private final Connection connection;

    public RowApplier(Connection connection) {
        this.connection = connection;
    }

    /** Begins a transaction's worth of changes: deferrable constraints wait until {@link #finish} (rule R18). */
    public void begin() throws SQLException {
        throw new UnsupportedOperationException(String.valueOf(connection));
    }

    /**
     * Applies one change.
     *
     * @throws SQLException weather or a lost connection: roll back and repeat
     * @throws TableException the table has to be mended
     */
    public RowOutcome apply(TableBinding binding, RowChange change, ConflictPolicy policy)
            throws SQLException, TableException {
        throw new UnsupportedOperationException();
    }

    /** Checks everything deferred; a conflict found only now cannot be skipped. */
    public Optional<Conflict> finish() throws SQLException, TableException {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() throws SQLException {}
}
