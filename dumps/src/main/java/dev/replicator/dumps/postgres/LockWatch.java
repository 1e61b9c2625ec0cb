package dev.replicator.dumps.postgres;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks for an ACCESS EXCLUSIVE request that waits for our lock: every new query on the table waits behind it, so a long
 * COPY would stop the application (rule R21). The read is ended when the request has waited too long.
 */
final class LockWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LockWatch.class);
    private static final String WAITING =
            """
            SELECT w.pid, (extract(epoch FROM clock_timestamp() - w.waitstart) * 1000)::bigint
            FROM pg_locks w
            WHERE NOT w.granted AND w.mode = 'AccessExclusiveLock' AND w.locktype = 'relation'
              AND w.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND w.relation::bigint = ANY (?)
              AND clock_timestamp() - w.waitstart > ? * interval '1 millisecond'
              AND pg_blocking_pids(w.pid) && ?
            LIMIT 1""";

    private final DumpSnapshot snapshot;
    private final CatalogView view;
    private final ReaderConnections readers;
    private final Duration patience;
    private final ScheduledFuture<?> schedule;

    LockWatch(DumpSnapshot snapshot, CatalogView view, ReaderConnections readers) {
        this.snapshot = snapshot;
        this.view = view;
        this.readers = readers;
        this.patience = snapshot.options().lockPatience();
        long period = Math.max(20, Math.min(1000, patience.toMillis() / 4));
        this.schedule = snapshot.watcher().scheduleWithFixedDelay(this::look, period, period, TimeUnit.MILLISECONDS);
    }

    private void look() {
        try {
            Integer[] ours = readers.processIds();
            if (ours.length > 0) {
                snapshot.outside(connection -> look(connection, ours));
            }
        } catch (SQLException | RuntimeException e) {
            // Unwatched, a long COPY could hold up the application: rather read again later.
            LOG.debug("watching locks on {}", view.root().name(), e);
            readers.abort(new LockWaitException(
                    "reading table " + view.root().name() + ": its locks can no longer be watched, the read was ended",
                    e));
        }
    }

    private Void look(Connection connection, Integer[] ours) throws SQLException {
        Array relations =
                connection.createArrayOf("bigint", view.relations().keySet().toArray(Long[]::new));
        Array processes = connection.createArrayOf("integer", ours);
        try (PreparedStatement statement = connection.prepareStatement(WAITING)) {
            statement.setArray(1, relations);
            statement.setLong(2, patience.toMillis());
            statement.setArray(3, processes);
            try (ResultSet row = statement.executeQuery()) {
                if (row.next()) {
                    readers.abort(new LockWaitException(
                            "reading table " + view.root().name() + ": server process " + row.getInt(1)
                                    + " waited " + row.getLong(2)
                                    + " ms for an ACCESS EXCLUSIVE lock behind this read, so it was ended; the table is read"
                                    + " again later",
                            null));
                }
            }
        }
        return null;
    }

    @Override
    public void close() {
        schedule.cancel(false);
    }
}
