package dev.replicator.dumps.postgres;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The sessions that read one table, so that all of them can be ended from another thread. */
final class ReaderConnections implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ReaderConnections.class);

    private final List<Connection> open = new ArrayList<>();
    private DumpReadException failure;
    private boolean closed;

    synchronized Connection add(Connection connection) throws SQLException {
        if (closed || failure != null) {
            DumpSnapshot.closeQuietly(connection);
            throw new SQLException("the read was ended meanwhile", "57014", failure);
        }
        open.add(connection);
        return connection;
    }

    /** Server process ids of the sessions. */
    synchronized Integer[] processIds() throws SQLException {
        Integer[] ids = new Integer[open.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = open.get(i).unwrap(PGConnection.class).getBackendPID();
        }
        return ids;
    }

    /** Ends all sessions; whoever uses one finds this reason by {@link #failureOr}. */
    synchronized void abort(DumpReadException reason) {
        if (failure == null && !closed) {
            failure = reason;
        }
        open.forEach(ReaderConnections::end);
        open.clear();
    }

    /** Why the read was ended from outside, or the given error when it was not. */
    synchronized DumpReadException failureOr(DumpReadException other) {
        if (failure != null && failure != other) {
            failure.addSuppressed(other);
            return failure;
        }
        return other;
    }

    synchronized void throwFailure() throws DumpReadException {
        if (failure != null) {
            throw failure;
        }
    }

    /** Ends all sessions but one; for readers that are done. */
    synchronized void closeAllBut(Connection kept) {
        for (Connection connection : List.copyOf(open)) {
            if (connection != kept) {
                release(connection);
                open.remove(connection);
            }
        }
    }

    /** Ends all sessions, in whatever they are. */
    synchronized void endAll() {
        closed = true;
        open.forEach(ReaderConnections::end);
        open.clear();
    }

    /** Ends all sessions in order; their locks are free when it returns. */
    @Override
    public synchronized void close() {
        closed = true;
        open.forEach(ReaderConnections::release);
        open.clear();
    }

    private static void release(Connection connection) {
        try (connection) {
            connection.rollback();
        } catch (SQLException e) {
            LOG.debug("closing a reader", e);
        }
    }

    /** A session in mid-COPY cannot be closed politely: its statement is cancelled, then the socket goes. */
    private static void end(Connection connection) {
        try {
            connection.unwrap(PGConnection.class).cancelQuery();
        } catch (SQLException e) {
            LOG.debug("cancelling a reader", e);
        }
        try {
            connection.abort(Runnable::run);
        } catch (SQLException e) {
            LOG.debug("ending a reader", e);
        }
    }
}
