package dev.replicator.capture;

import dev.replicator.capture.postgres.Catalog;
import dev.replicator.capture.postgres.ReplicationSession;
import dev.replicator.capture.postgres.Slot;
import dev.replicator.capture.postgres.SourceSessions;
import dev.replicator.capture.postgres.SystemIdentity;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Lsn;
import dev.replicator.queue.Position;
import dev.replicator.queue.wire.CaptureWelcome;
import dev.replicator.queue.wire.WirePositions;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;

/**
 * What an operator does when continuity is lost: begins a new history, with numbers that go on (rule R07). The old slot
 * is dropped; tables join anew.
 */
final class NewEpoch implements AutoCloseable {
    private static final Duration FORWARDER_ANSWER = Duration.ofSeconds(10);
    private static final int ANSWER_SECONDS = 60;

    private final CaptureConfig config;
    private final SourceSessions sessions;
    private final Spool spool;
    private final ForwarderClient forwarder;
    private final Position last;

    private NewEpoch(CaptureConfig config, SourceSessions sessions, Spool spool, ForwarderClient forwarder)
            throws InterruptedException, IOException {
        this.config = config;
        this.sessions = sessions;
        this.spool = spool;
        this.forwarder = forwarder;
        this.last = last();
    }

    /** Opens the spool, which no other capture may have open, and asks the forwarder for its tail. */
    static NewEpoch open(CaptureConfig config, SourceSessions sessions) throws IOException, InterruptedException {
        Spool spool = Spool.open(config.queue());
        ForwarderClient forwarder = config.forwarder()
                .map(each -> ForwarderClient.open(config.cluster(), each))
                .orElse(null);
        boolean opened = false;
        try {
            NewEpoch epoch = new NewEpoch(config, sessions, spool, forwarder);
            opened = true;
            return epoch;
        } finally {
            if (!opened) {
                spool.close();
                if (forwarder != null) {
                    forwarder.close();
                }
            }
        }
    }

    /** The further of our tail and the forwarder's; null when there was no history at all. */
    private Position last() throws InterruptedException, IOException {
        Position ours = spool.queue().hasHistory() ? spool.queue().durableTail() : null;
        Position theirs = null;
        try {
            if (forwarder != null) {
                CaptureWelcome welcome = forwarder.fetchHistory(FORWARDER_ANSWER);
                // Incarnations go on, too, when it is only the forwarder that remembers them (rule R08).
                spool.tables().adopt(HistoryAdoption.schemas(welcome));
                theirs = welcome.hasTail() ? WirePositions.fromWire(welcome.getTail()) : null;
            }
        } catch (ReplicatorException e) {
            if (ours == null) {
                throw new ReplicatorException(
                        ErrorCode.UNAVAILABLE,
                        "beginning a new epoch: the spool is empty and the forwarder, which knows the last number used,"
                                + " does not answer: " + e.getMessage(),
                        "Start the forwarder first.",
                        e);
            }
        }
        return further(ours, theirs);
    }

    /**
     * The last epoch number and the last seq that were used, by whomever: neither is ever used twice (rule R07). One of the
     * two sides may be ahead in epochs and behind in seqs, when it began an epoch without knowing all the other had.
     */
    static Position further(Position ours, Position theirs) {
        if (ours == null || theirs == null) {
            return ours == null ? theirs : ours;
        }
        int epochs = Integer.compare(theirs.epoch().number(), ours.epoch().number());
        Position later = epochs > 0 || epochs == 0 && theirs.seq() > ours.seq() ? theirs : ours;
        return new Position(later.epoch(), Math.max(ours.seq(), theirs.seq()), later.lsn());
    }

    /** What is not known, for the operator to judge; says so before that when the slot is somebody else's. */
    String unknownRange() throws SQLException {
        String from = last == null ? "the beginning" : last.toString();
        try (Connection sql = sessions.open("replicator capture new epoch", ANSWER_SECONDS)) {
            String at = SlotOwnership.check(sql, new Slot(config.source().slot()))
                    .map(state -> "the old slot stands at " + Lsn.format(state.confirmedLsn()))
                    .orElse("there is no slot");
            return "Unknown: every change of the master from " + from + " up to now, "
                    + Lsn.format(Catalog.flushLsn(sql)) + " (" + at + ").";
        }
    }

    /** Begins the next epoch. */
    Position begin() throws SQLException, IOException, InterruptedException {
        try (Connection sql = sessions.open("replicator capture new epoch", ANSWER_SECONDS);
                ReplicationSession replication = ReplicationSession.open(sessions, "replicator_new_epoch")) {
            ServerRequirements.check(Catalog.serverVersion(sql));
            SystemIdentity identity = replication.identify();
            Slot slot = new Slot(config.source().slot());
            SlotOwnership.check(sql, slot);
            slot.drop(sql);
            int number = last == null ? 1 : last.epoch().number() + 1;
            long seq = last == null ? 0 : last.seq();
            MasterHistory history = new MasterHistory(spool, sessions, config.source(), forwarder, new StatusBoard());
            history.beginAt(sql, identity, new Position(Epoch.begin(number), seq, 0));
            return spool.queue().durableTail();
        }
    }

    @Override
    public void close() throws IOException {
        try {
            spool.close();
        } finally {
            if (forwarder != null) {
                forwarder.close();
            }
        }
    }
}
