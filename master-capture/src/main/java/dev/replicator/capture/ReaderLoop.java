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
    /** Messages between two looks at the clock while the stream is busy. */
    private static final int MESSAGES_PER_LOOK = 64;

    private static final long PARK_MIN_NANOS = TimeUnit.MICROSECONDS.toNanos(50);
    private static final long PARK_MAX_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
    /** After a message the next one is looked for more often, for so long: a pause is time that every slave lags behind. */
    private static final long BUSY_NANOS = TimeUnit.SECONDS.toNanos(1);

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
        long park = PARK_MIN_NANOS;
        long busyAt = System.nanoTime();
        for (int messages = 0; !limits.stopping().getAsBoolean(); messages++) {
            long asked = System.nanoTime();
            ByteBuffer message = replication.poll();
            long answered = System.nanoTime();
            boolean idle = message == null;
            if (!idle) {
                gathering.received(message.remaining());
                decoder.decode(message);
                park = PARK_MIN_NANOS;
                busyAt = answered;
            }
            if (idle || messages % MESSAGES_PER_LOOK == 0) {
                lookAround(idle, decoder.inTransaction());
                spool.queue().mayGather(!idle && isBehind() && !watcher.isSynchronousStandby());
            }
            if (idle) {
                LockSupport.parkNanos(park);
                boolean busy = answered - busyAt < BUSY_NANOS;
                park = busy ? PARK_MIN_NANOS : Math.min(park * 2, PARK_MAX_NANOS);
            } else if (answered - asked > BLOCKED_NANOS && isBehind()) {
                LockSupport.parkNanos(gathering.pauseNanos());
            }
        }
    }

    private boolean isBehind() {
        return TimeUnit.MILLISECONDS.toMicros(clock.millis()) - writer.commitMicros() > BEHIND_MICROS;
    }

    /** The disk is full: stays in touch with the server until there is space again. */
    void stall(String why) throws IOException {
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
        if (!inTransaction) {
            if (!announcements.isEmpty()) {
                announcements.drainTo(writer);
            }
            if (idle) {
                heartbeat();
            }
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
        boolean wasFull = false;
        while (used > limits.spoolMaxBytes()) {
            wasFull = true;
            stall(whyFull(used));
            used = spool.queue().sizeBytes() + writer.unfinishedBytes();
            board.spoolBytes(used);
        }
        if (wasFull || board.state() == CaptureState.SPOOL_FULL) {
            board.state(CaptureState.STREAMING, "");
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
