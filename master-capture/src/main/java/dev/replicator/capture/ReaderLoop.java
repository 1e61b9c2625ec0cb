package dev.replicator.capture;

import dev.replicator.capture.postgres.PgoutputDecoder;
import dev.replicator.capture.postgres.ReplicationSession;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.cli.Human;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * Reads one replication session: messages into the decoder, confirmations back, heartbeats when nothing else comes (rule
 * R20). Used by the reader's thread.
 */
final class ReaderLoop {
    /** Longest wait for a message; one that comes ends it. */
    private static final int WAIT_MILLIS = 20;
    /**
     * The same where commits of the master wait for our confirmation, which is sent between two waits, and far behind: a pause
     * of the server's is not added to ours then.
     */
    private static final int SHORT_WAIT_MILLIS = 1;
    /** Between two looks around while messages come. */
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    /** The server may prepare what it sends next for so long. */
    private static final long LULL_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    private static final long BEHIND_MICROS = TimeUnit.SECONDS.toMicros(1);
    private static final long BLOCKED_NANOS = TimeUnit.MICROSECONDS.toNanos(30);

    private static final long STALL_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final long CONFIRM_BUSY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long CONFIRM_IDLE_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long HEARTBEAT_NANOS = TimeUnit.SECONDS.toNanos(1);

    /**
     * When not to read on.
     *
     * @param spoolMaxBytes budget of the spool
     * @param stopping whether the daemon ends
     */
    record Limits(long spoolMaxBytes, BooleanSupplier stopping) {}

    private final ReplicationSession replication;
    private final Spool spool;
    private final StatusBoard board;
    private final Announcements announcements;
    private final LongSupplier confirmable;
    private final Limits limits;
    private final Clock clock = Clock.systemUTC();
    private final Gathering gathering = new Gathering();

    private TransactionWriter writer;
    private CatalogWatcher watcher;
    private boolean stalled;
    private boolean behind;
    private long confirmedLsn;
    private long confirmedAt = System.nanoTime() - CONFIRM_IDLE_NANOS;
    private long heartbeatAt = System.nanoTime() - HEARTBEAT_NANOS;

    /** @param confirmable up to where everything is durable where {@code confirm} asks */
    ReaderLoop(
            ReplicationSession replication,
            Spool spool,
            StatusBoard board,
            Announcements announcements,
            LongSupplier confirmable,
            Limits limits) {
        this.replication = replication;
        this.spool = spool;
        this.board = board;
        this.announcements = announcements;
        this.confirmable = confirmable;
        this.limits = limits;
    }

    /** Reads until the daemon stops or the session fails. */
    void run(TransactionWriter transactions, PgoutputDecoder decoder, CatalogWatcher catalog)
            throws SQLException, IOException {
        writer = transactions;
        watcher = catalog;
        long lookedAt = System.nanoTime();
        long messageAt = lookedAt;
        while (!limits.stopping().getAsBoolean()) {
            long asked = System.nanoTime();
            ByteBuffer message = replication.poll(waitMillis());
            long answered = System.nanoTime();
            boolean idle = message == null;
            if (!idle) {
                gathering.received(message.remaining());
                decoder.decode(message);
                messageAt = answered;
            }
            if (!decoder.inTransaction() && !announcements.isEmpty()) {
                // Not only when it looks around: that could always happen inside a transaction.
                announcements.drainTo(writer);
            }
            if (idle || answered - lookedAt >= LOOK_NANOS) {
                lookedAt = answered;
                lookAround(idle, decoder.inTransaction());
                behind = answered - messageAt < LULL_NANOS && isBehind();
                spool.queue().mayGather(!idle && behind && !watcher.isSynchronousStandby());
            }
            if (stalled) {
                stalled = false;
                board.state(CaptureState.STREAMING, "");
            }
            if (!idle && answered - asked > BLOCKED_NANOS && isBehind()) {
                LockSupport.parkNanos(gathering.pauseNanos());
            }
        }
    }

    private int waitMillis() {
        return behind || watcher.isSynchronousStandby() ? SHORT_WAIT_MILLIS : WAIT_MILLIS;
    }

    private boolean isBehind() {
        return TimeUnit.MILLISECONDS.toMicros(clock.millis()) - writer.commitMicros() > BEHIND_MICROS;
    }

    /** The disk is full: stays in touch with the server until there is space again. */
    void stall(String why) throws IOException {
        stalled = true;
        board.state(CaptureState.SPOOL_FULL, why);
        try {
            confirm(true);
        } catch (SQLException e) {
            throw new SessionEndedException("connection lost while the spool was full", e);
        }
        LockSupport.parkNanos(STALL_NANOS);
        if (limits.stopping().getAsBoolean()) {
            throw new SessionEndedException("stopping");
        }
    }

    private void lookAround(boolean idle, boolean inTransaction) throws SQLException, IOException {
        throwFailure();
        board.received(replication.receivedLsn());
        if (idle && !inTransaction) {
            heartbeat();
        }
        confirm(idle);
        waitForSpace();
    }

    private void throwFailure() throws SQLException, IOException {
        Exception failure = watcher.failure();
        if (failure instanceof SQLException sql) {
            throw sql;
        }
        if (failure instanceof ReplicatorException known) {
            throw known;
        }
        if (failure != null) {
            throw failure instanceof IOException io
                    ? io
                    : new IOException("catalogue watcher failed: " + failure, failure);
        }
    }

    private void heartbeat() throws IOException {
        long lsn = replication.receivedLsn();
        if (Long.compareUnsigned(lsn, writer.lastLsn()) <= 0) {
            return;
        }
        long now = System.nanoTime();
        if (now - heartbeatAt >= HEARTBEAT_NANOS || watcher.isSynchronousStandby()) {
            heartbeatAt = now;
            Instant time = clock.instant();
            writer.heartbeat(lsn, TimeUnit.SECONDS.toMicros(time.getEpochSecond()) + time.getNano() / 1000);
        }
    }

    /**
     * Confirms what is durable: at once when commits wait for it, otherwise now and then. Nothing before the master has proved
     * that what we hold is its own history (rule R05).
     */
    private void confirm(boolean idle) throws SQLException {
        if (writer.isComparing()) {
            return;
        }
        long lsn = confirmable.getAsLong();
        long since = System.nanoTime() - confirmedAt;
        boolean moved = lsn != confirmedLsn;
        if (since >= CONFIRM_IDLE_NANOS
                || moved && (idle && watcher.isSynchronousStandby() || since >= CONFIRM_BUSY_NANOS)) {
            replication.confirm(lsn);
            confirmedLsn = lsn;
            confirmedAt = System.nanoTime();
            board.confirmed(lsn);
        }
    }

    private void waitForSpace() throws IOException {
        long used = spool.queue().sizeBytes() + writer.unfinishedBytes();
        board.spoolBytes(used);
        while (used > limits.spoolMaxBytes()) {
            stall(whyFull(used));
            used = spool.queue().sizeBytes() + writer.unfinishedBytes();
            board.spoolBytes(used);
        }
    }

    private String whyFull(long used) {
        String limit = "queue.max-size, " + Human.bytes(limits.spoolMaxBytes());
        if (writer.unfinishedBytes() > limits.spoolMaxBytes()) {
            return "one transaction of the master takes more than " + limit + ": raise it and start capture again";
        }
        return "the spool holds " + Human.bytes(used) + " of " + limit
                + ": nothing is read from the master, whose slot holds"
                + " its log, until the forwarder takes it (is it away, or full?)";
    }
}
