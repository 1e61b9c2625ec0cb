package dev.replicator.dumps.postgres;

import dev.replicator.dumps.SnapshotInfo;
import dev.replicator.queue.Lsn;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A snapshot of the master that is held open so that several tables can be read under it. Holds one REPEATABLE READ
 * transaction without any table lock; every table is read in transactions of its own that import the snapshot (rule
 * R03). Tables may be opened one after the other or side by side.
 */
public final class DumpSnapshot implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DumpSnapshot.class);

    private final ServerConnections connections;
    private final ReadOptions options;
    private final Connection holder;
    private final Connection monitor;
    private final ScheduledExecutorService watcher;
    private final SnapshotInfo info;
    private final String exportName;

    private DumpSnapshot(ServerConnections connections, ReadOptions options, Connection holder, Connection monitor)
            throws SQLException {
        this.connections = connections;
        this.options = options;
        this.holder = holder;
        this.monitor = monitor;
        holder.setAutoCommit(false);
        try (Statement statement = holder.createStatement()) {
            statement.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
            try (ResultSet row = statement.executeQuery("SELECT pg_current_snapshot()::text, pg_export_snapshot(),"
                    + " pg_current_wal_insert_lsn()::text, clock_timestamp(), current_setting('server_version')")) {
                row.next();
                info = parse(row);
                exportName = row.getString(2);
            }
        }
        this.watcher = Executors.newSingleThreadScheduledExecutor(work -> {
            Thread thread = new Thread(work, "dump-lock-watch");
            thread.setDaemon(true);
            return thread;
        });
    }

    /**
     * Takes a snapshot.
     *
     * @param connections to the master, as a role that may read the tables
     */
    public static DumpSnapshot open(ServerConnections connections, ReadOptions options) throws SQLException {
        Connection holder = null;
        Connection monitor = null;
        DumpSnapshot snapshot = null;
        try {
            holder = pinned(connections, "replicator dump snapshot");
            monitor = pinned(connections, "replicator dump watch");
            snapshot = new DumpSnapshot(connections, options, holder, monitor);
            return snapshot;
        } finally {
            if (snapshot == null) {
                closeQuietly(holder);
                closeQuietly(monitor);
            }
        }
    }

    /** The snapshot in 64-bit transaction ids. */
    public SnapshotInfo info() {
        return info;
    }

    /** Name under which other sessions of the same database can import it, as long as this object is open. */
    public String exportName() {
        return exportName;
    }

    /**
     * Locks a table in ACCESS SHARE mode, makes sure that it is still what the snapshot saw, and reads its definition.
     *
     * @param tableOid pg_class.oid; of a partitioned table its root
     * @throws TableChangedException when it changed since the snapshot
     * @throws LockWaitException when the lock cannot be had in time
     * @throws SnapshotLostException when the session that holds the snapshot is gone
     */
    public TableRead openTable(long tableOid) throws DumpReadException {
        return TableRead.open(this, tableOid);
    }

    ReadOptions options() {
        return options;
    }

    ScheduledExecutorService watcher() {
        return watcher;
    }

    /** What everybody sees now, read outside the snapshot. */
    CatalogView catalogNow(long tableOid) throws SQLException {
        synchronized (monitor) {
            return CatalogView.read(monitor, tableOid);
        }
    }

    /** A query outside the snapshot. */
    interface MonitorQuery<T> {
        T run(Connection connection) throws SQLException;
    }

    <T> T outside(MonitorQuery<T> query) throws SQLException {
        synchronized (monitor) {
            return query.run(monitor);
        }
    }

    /** A session in a transaction of its own that sees what the snapshot saw. */
    Connection importing() throws SQLException, SnapshotLostException {
        Connection connection = pinned(connections, "replicator dump");
        boolean imported = false;
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET lock_timeout = " + options.lockTimeout().toMillis());
            connection.setAutoCommit(false);
            statement.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
            try {
                statement.execute("SET TRANSACTION SNAPSHOT '" + exportName.replace("'", "''") + "'");
            } catch (SQLException e) {
                throw new SnapshotLostException(
                        "importing snapshot " + exportName + ": the session that held it is gone", e);
            }
            imported = true;
            return connection;
        } finally {
            if (!imported) {
                closeQuietly(connection);
            }
        }
    }

    private static Connection pinned(ServerConnections connections, String name) throws SQLException {
        Connection connection = connections.open();
        boolean pinned = false;
        try {
            connection.setAutoCommit(true);
            SessionPins.pinMaster(connection, name);
            pinned = true;
            return connection;
        } finally {
            if (!pinned) {
                closeQuietly(connection);
            }
        }
    }

    private static SnapshotInfo parse(ResultSet row) throws SQLException {
        String[] parts = row.getString(1).split(":", -1);
        List<Long> inProgress = new ArrayList<>();
        if (!parts[2].isEmpty()) {
            for (String id : parts[2].split(",")) {
                inProgress.add(Long.parseLong(id));
            }
        }
        return new SnapshotInfo(
                Long.parseLong(parts[0]),
                Long.parseLong(parts[1]),
                inProgress,
                Lsn.parse(row.getString(3)),
                row.getObject(4, OffsetDateTime.class).toInstant(),
                row.getString(5));
    }

    static void closeQuietly(Connection connection) {
        if (connection == null) {
            return;
        }
        try {
            connection.close();
        } catch (SQLException e) {
            LOG.debug("closing a connection", e);
        }
    }

    /** Lets the snapshot go. Close its tables first: nobody watches their locks any more. */
    @Override
    public void close() {
        watcher.shutdownNow();
        closeQuietly(holder);
        synchronized (monitor) {
            closeQuietly(monitor);
        }
    }
}
