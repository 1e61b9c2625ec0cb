package dev.replicator.slave.restore;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Sessions on the target for the chunks of one table: a chunk is a fraction of a second's work, of which making a session
 * would be a tenth. A session whose chunk failed is not used again. Safe for several threads.
 */
final class LoadSessions implements AutoCloseable {
    private final Opener opener;
    private final Deque<Connection> idle = new ArrayDeque<>();
    private boolean closed;

    /** Makes a session. */
    interface Opener {
        Connection open() throws SQLException;
    }

    LoadSessions(Opener opener) {
        this.opener = opener;
    }

    /** A session without auto-commit and without a transaction; closed with the lease unless it is to be kept. */
    Lease lease() throws SQLException {
        Connection connection = takeIdle();
        if (connection == null) {
            connection = opener.open();
            connection.setAutoCommit(false);
        }
        return new Lease(connection);
    }

    private synchronized Connection takeIdle() {
        return idle.poll();
    }

    private synchronized boolean putBack(Connection connection) {
        if (!closed) {
            idle.add(connection);
        }
        return !closed;
    }

    /** Sessions in use are closed with their leases. */
    @Override
    public void close() throws SQLException {
        for (Connection connection = lastIdle(); connection != null; connection = lastIdle()) {
            connection.close();
        }
    }

    private synchronized Connection lastIdle() {
        closed = true;
        return idle.poll();
    }

    /** One chunk's use of a session. Used by one thread. */
    final class Lease implements AutoCloseable {
        private final Connection connection;
        private boolean keep;

        private Lease(Connection connection) {
            this.connection = connection;
        }

        Connection connection() {
            return connection;
        }

        /** The chunk is committed: others may use the session. */
        void keep() {
            keep = true;
        }

        @Override
        public void close() throws SQLException {
            if (!keep || !putBack(connection)) {
                connection.close();
            }
        }
    }
}
