package dev.replicator.slave.state;

import dev.replicator.runtime.Steps;
import java.sql.Connection;
import java.sql.SQLException;

/**
 * Runs work as one transaction that waits for the disk: what the daemon tells others about its state must survive a crash of
 * the target. (Batches of changes do not wait; their positions are told later.)
 */
public final class Transactions {
    private Transactions() {}

    /** What to do. */
    @FunctionalInterface
    public interface Work<T> {
        T run(Connection connection) throws SQLException;
    }

    /** Commits after the work, or rolls back and passes on what it threw. The connection is left without auto-commit. */
    public static <T> T run(Connection connection, Work<T> work) throws SQLException {
        connection.setAutoCommit(false);
        boolean done = false;
        try {
            Sql.execute(connection, "SET LOCAL synchronous_commit = local");
            T result = work.run(connection);
            connection.commit();
            done = true;
            Steps.reached("state.committed");
            return result;
        } finally {
            if (!done) {
                rollBack(connection);
            }
        }
    }

    /** Rolls back; a connection that cannot even do that is of no use and is closed. */
    public static void rollBack(Connection connection) {
        try {
            connection.rollback();
        } catch (SQLException e) {
            close(connection);
        }
    }

    /** Closes; a failure to close leaves nothing that we hold. */
    public static void close(Connection connection) {
        try {
            connection.close();
        } catch (SQLException e) {
            // The session is gone, which is all that closing is for.
            return;
        }
    }
}
