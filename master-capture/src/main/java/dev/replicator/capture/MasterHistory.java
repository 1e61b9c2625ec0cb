package dev.replicator.capture;

import dev.replicator.capture.postgres.Catalog;
import dev.replicator.capture.postgres.Publication;
import dev.replicator.capture.postgres.PublicationState;
import dev.replicator.capture.postgres.Slot;
import dev.replicator.capture.postgres.SlotState;
import dev.replicator.capture.postgres.SourceSessions;
import dev.replicator.capture.postgres.SystemIdentity;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Lsn;
import dev.replicator.queue.Position;
import dev.replicator.queue.store.RecoveryReport;
import dev.replicator.queue.wire.CaptureWelcome;
import dev.replicator.queue.wire.WirePositions;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Begins histories and proves that one can be continued (rules R05, R06, R07): at every connect, before anything is
 * read. Used by the reader.
 */
final class MasterHistory {
    private static final Logger LOG = LoggerFactory.getLogger(MasterHistory.class);
    private static final Duration FORWARDER_ANSWER = Duration.ofSeconds(10);

    private final Spool spool;
    private final SourceSessions sessions;
    private final Publication publication;
    private final Slot slot;
    private final ForwarderClient forwarder;
    private final StatusBoard board;

    /** @param forwarder null when records stay in the spool */
    MasterHistory(
            Spool spool,
            SourceSessions sessions,
            CaptureConfig.Source source,
            ForwarderClient forwarder,
            StatusBoard board) {
        this.spool = spool;
        this.sessions = sessions;
        this.publication = new Publication(source.publication());
        this.slot = new Slot(source.slot());
        this.forwarder = forwarder;
        this.board = board;
    }

    Publication publication() {
        return publication;
    }

    /**
     * Makes sure that there is a history that this master continues.
     *
     * @return the publication the stream is made with
     * @throws ReplicatorException FORKED_HISTORY when continuity cannot be proved; CONFIGURATION when the slot is not ours
     */
    PublicationState prepare(Connection sql, SystemIdentity identity)
            throws SQLException, IOException, InterruptedException {
        ServerRequirements.check(Catalog.serverVersion(sql));
        SlotOwnership.check(sql, slot);
        if (!spool.queue().hasHistory()) {
            begin(sql, identity);
        }
        return check(sql, identity);
    }

    private void begin(Connection sql, SystemIdentity identity) throws SQLException, IOException, InterruptedException {
        if (forwarder != null) {
            CaptureWelcome welcome = forwarder.fetchHistory(FORWARDER_ANSWER);
            if (welcome.hasTail()) {
                adopt(sql, identity, welcome);
                return;
            }
        }
        Optional<SourceRecord> record = spool.source();
        Optional<SlotState> existing = Catalog.slot(sql, slot.name());
        if (existing.isPresent()) {
            if (record.isEmpty() || !record.get().slotPending()) {
                throw lost("there is no history here nor at the forwarder, but replication slot " + slot.name()
                        + " has moved to " + Lsn.format(existing.get().confirmedLsn()));
            }
            // We died while it was being made: nothing was ever read from it.
            slot.drop(sql);
        }
        beginAt(sql, identity, new Position(Epoch.begin(1), 0, 0));
    }

    /**
     * Begins an epoch with a new slot.
     *
     * @param after epoch and seq to begin with; its LSN becomes the slot's
     */
    void beginAt(Connection sql, SystemIdentity identity, Position after)
            throws SQLException, IOException, InterruptedException {
        int version = Catalog.serverVersion(sql);
        if (publication.state(sql, version).isEmpty()) {
            publication.create(sql);
        }
        long oid = publication.state(sql, version).orElseThrow().oid();
        SourceRecord pending = new SourceRecord(identity.systemIdentifier(), identity.timeline(), oid, true);
        spool.recordSource(pending);
        long start = new SlotCreation(sessions, slot, board).create(sql);
        spool.tables().unpublishAll();
        spool.beginHistory(new Position(after.epoch(), after.seq(), start));
        spool.recordSource(new SourceRecord(identity.systemIdentifier(), identity.timeline(), oid, false));
        LOG.atInfo()
                .addKeyValue("epoch", after.epoch())
                .addKeyValue("position", Lsn.format(start))
                .log("A history begins after seq {}", after.seq());
    }

    /** Goes on with the history that the forwarder holds. */
    private void adopt(Connection sql, SystemIdentity identity, CaptureWelcome welcome)
            throws SQLException, IOException {
        Position tail = WirePositions.fromWire(welcome.getTail());
        long known = max(tail.lsn(), welcome.getDurableLsn());
        SlotState state = Catalog.slot(sql, slot.name())
                .orElseThrow(() -> lost(
                        "the forwarder holds " + tail + ", but replication slot " + slot.name() + " does not exist"));
        if (!Continuity.isWithin(state.confirmedLsn(), known)) {
            throw lost("the forwarder holds everything up to " + Lsn.format(known)
                    + ", but the master may have forgotten" + " what lies before " + Lsn.format(state.confirmedLsn()));
        }
        long oid = publication
                .state(sql, Catalog.serverVersion(sql))
                .orElseThrow(() -> lost("publication " + publication.name() + " does not exist"))
                .oid();
        new HistoryAdoption(spool).adopt(tail, known, welcome);
        spool.recordSource(new SourceRecord(identity.systemIdentifier(), identity.timeline(), oid, false));
        LOG.info("Going on with the forwarder's history at {}", tail);
    }

    private PublicationState check(Connection sql, SystemIdentity identity)
            throws SQLException, IOException, InterruptedException {
        SourceRecord record = spool.source()
                .orElseThrow(
                        () -> lost("the file that says which master the spool belongs to (source.json) is missing"));
        if (!record.systemIdentifier().equals(identity.systemIdentifier())) {
            throw lost("the spool belongs to the database cluster " + record.systemIdentifier() + ", this is "
                    + identity.systemIdentifier());
        }
        if (record.timeline() != identity.timeline()) {
            throw lost("the spool was written on timeline " + record.timeline() + ", the master is on "
                    + identity.timeline());
        }
        PublicationState state = publication
                .state(sql, Catalog.serverVersion(sql))
                .orElseThrow(() -> lost("publication " + publication.name() + " does not exist"));
        if (state.oid() != record.publicationOid()) {
            throw lost("publication " + publication.name() + " was dropped and made again");
        }
        if (!state.defect().isEmpty()) {
            throw lost("publication " + publication.name() + " " + state.defect());
        }
        checkSlot(sql, identity);
        return state;
    }

    private void checkSlot(Connection sql, SystemIdentity identity)
            throws SQLException, IOException, InterruptedException {
        SlotState state = Catalog.slot(sql, slot.name())
                .orElseThrow(() -> lost("replication slot " + slot.name() + " does not exist"));
        if (state.lost()) {
            throw lost("the master has removed WAL that replication slot " + slot.name()
                    + " needs (max_slot_wal_keep_size)");
        }
        long durable = spool.queue().durableLsn();
        if (Continuity.wentBack(Catalog.flushLsn(sql), durable)) {
            throw lost("the master's log ends before " + Lsn.format(durable) + ", which we have captured: it went back"
                    + " in time");
        }
        if (!reaches(state.confirmedLsn())) {
            goOnWithForwarder(sql, identity, state);
        }
    }

    /** Whether spool and commit log hold all that the server may have forgotten. */
    private boolean reaches(long confirmedLsn) {
        return Continuity.reaches(
                confirmedLsn, spool.queue().durableLsn(), spool.commitLog().baseLsn());
    }

    /** Our own disk does not prove it (restored from a backup?); the forwarder may. */
    private void goOnWithForwarder(Connection sql, SystemIdentity identity, SlotState state)
            throws SQLException, IOException, InterruptedException {
        Position tail = spool.queue().durableTail();
        if (forwarder != null) {
            CaptureWelcome welcome = forwarder.fetchHistory(FORWARDER_ANSWER);
            if (welcome.hasTail() && Continuity.mayAdopt(tail, WirePositions.fromWire(welcome.getTail()))) {
                adopt(sql, identity, welcome);
                if (reaches(state.confirmedLsn())) {
                    return;
                }
            }
        }
        throw lostOrDamaged(
                "our history is known from " + Lsn.format(spool.commitLog().baseLsn()) + " to "
                        + Lsn.format(spool.queue().durableLsn()) + ", but the master begins again at "
                        + Lsn.format(state.confirmedLsn()));
    }

    /** What the master forgot because we had confirmed it, and that is missing here: was it cut from the spool's end? */
    private ReplicatorException lostOrDamaged(String what) {
        Optional<RecoveryReport.Cut> cut = spool.queue().recovery().cut();
        if (cut.isEmpty()) {
            return lost(what);
        }
        return new ReplicatorException(
                ErrorCode.DAMAGE,
                "the spool is damaged: " + cut.get().bytes() + " bytes of "
                        + cut.get().file() + " behind offset "
                        + cut.get().offset()
                        + " were no complete commit group and were cut, but the master had been told"
                        + " that they are durable (" + what + ")",
                "The disk has lost what it had written. Where the forwarder holds it (confirm: forwarder), start capture with"
                        + " an empty queue directory; else run 'replicator capture --config FILE --new-epoch'.");
    }

    private ReplicatorException lost(String what) {
        String range = "";
        if (spool.queue().hasHistory()) {
            range = "; everything after " + spool.queue().durableTail() + " is unknown";
        }
        return new ReplicatorException(
                ErrorCode.FORKED_HISTORY,
                "continuing the master's history at " + sessions.target() + ": " + what + range,
                "Run 'replicator capture --config FILE --new-epoch': every slave then gets new dumps.");
    }

    private static long max(long one, long other) {
        return Long.compareUnsigned(one, other) >= 0 ? one : other;
    }
}
