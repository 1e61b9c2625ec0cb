package dev.replicator.capture.postgres;

import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.postgresql.PGConnection;
import org.postgresql.replication.LogSequenceNumber;
import org.postgresql.replication.PGReplicationStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A session with a walsender. What is confirmed is only what {@link #confirm} was given: pgjdbc's own flushing of
 * keepalive positions is off (rule R20). Used by one thread, except {@link #abort()}.
 */
public final class ReplicationSession implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ReplicationSession.class);
    private static final int STATUS_INTERVAL_SECONDS = 5;
    /** A socket of the URL's own choice (socketFactory) has waited for a millisecond only. */
    private static final long FOREIGN_SOCKET_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    // The stream does not keep its connection alive, so both are held here.
    private final Connection connection;
    private final Optional<PollSocket> socket;
    private PGReplicationStream stream;

    private ReplicationSession(Connection connection, Optional<PollSocket> socket) {
        this.connection = connection;
        this.socket = socket;
    }

    /** Connects; the stream is not started yet. */
    public static ReplicationSession open(SourceSessions sessions, String job) throws SQLException {
        String key = UUID.randomUUID().toString();
        try {
            Connection connection = sessions.openReplication(job, key);
            return new ReplicationSession(connection, Optional.ofNullable(PollSocket.Factory.take(key)));
        } finally {
            PollSocket.Factory.take(key);
        }
    }

    public SystemIdentity identify() throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("IDENTIFY_SYSTEM")) {
            row.next();
            return new SystemIdentity(row.getString(1), row.getInt(2));
        }
    }

    /** Pid of the walsender. */
    public int backendPid() throws SQLException {
        return connection.unwrap(PGConnection.class).getBackendPID();
    }

    /**
     * Sets how much memory the server takes to put transactions together before it writes them to its disk and reads them
     * again (PostgreSQL manual, {@code logical_decoding_work_mem}). Before {@link #start}.
     */
    public void decodeIn(long bytes) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET logical_decoding_work_mem = '" + (bytes >> 10) + "kB'");
        }
    }

    /** Starts the stream where the slot was last confirmed; what lies at or below the spool's tail comes again. */
    public void start(String slot, String publication) throws SQLException {
        stream = connection
                .unwrap(PGConnection.class)
                .getReplicationAPI()
                .replicationStream()
                .logical()
                .withSlotName(slot)
                .withSlotOption("proto_version", 1)
                .withSlotOption("publication_names", '"' + publication.replace("\"", "\"\"") + '"')
                .withSlotOption("messages", "true")
                .withAutomaticFlush(false)
                .withStatusInterval(STATUS_INTERVAL_SECONDS, TimeUnit.SECONDS)
                .start();
    }

    /**
     * The next message, if one arrives in time.
     *
     * @param waitMillis how long to wait for one, whatever keepalives come meanwhile; at least 1
     * @return null when none has arrived; keepalives were then answered
     */
    public ByteBuffer poll(int waitMillis) throws SQLException {
        if (socket.isEmpty()) {
            ByteBuffer message = stream.readPending();
            if (message == null) {
                LockSupport.parkNanos(FOREIGN_SOCKET_PAUSE_NANOS);
            }
            return message;
        }
        PollSocket polled = socket.get();
        polled.lookFor(waitMillis);
        try {
            return stream.readPending();
        } finally {
            polled.stopLooking();
        }
    }

    /** How far the server has read its log for us, as of the last message. */
    public long receivedLsn() {
        return stream.getLastReceiveLSN().asLong();
    }

    /** Tells the server that everything up to a position is safe here, and asks it how far it is. */
    public void confirm(long lsn) throws SQLException {
        LogSequenceNumber safe = LogSequenceNumber.valueOf(lsn);
        stream.setFlushedLSN(safe);
        stream.setAppliedLSN(safe);
        stream.forceUpdateStatus();
    }

    /** Cuts the connection from any thread; the reader's next call fails. */
    public void abort() {
        try {
            connection.abort(Runnable::run);
        } catch (SQLException e) {
            LOG.debug("Replication connection was already gone: {}", e.getMessage());
        }
    }

    @Override
    public void close() throws SQLException {
        // No endCopy: it would read everything the server has already sent.
        connection.close();
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "replication session, received %X", stream == null ? 0 : receivedLsn());
    }
}
