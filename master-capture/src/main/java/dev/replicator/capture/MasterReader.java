package dev.replicator.capture;

import dev.replicator.capture.postgres.Catalog;
import dev.replicator.capture.postgres.MasterSettings;
import dev.replicator.capture.postgres.PgoutputDecoder;
import dev.replicator.capture.postgres.ProtocolException;
import dev.replicator.capture.postgres.PublicationState;
import dev.replicator.capture.postgres.ReplicationSession;
import dev.replicator.capture.postgres.SlotState;
import dev.replicator.capture.postgres.SourceSessions;
import dev.replicator.capture.postgres.SystemIdentity;
import dev.replicator.capture.postgres.TransactionIds;
import dev.replicator.queue.TableSelection;
import dev.replicator.runtime.Backoff;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The reader: connects to the master, proves continuity, reads, and begins again whenever the connection is lost. Sole
 * user of the spool's writer. Ends by itself only when continuity is lost or the disk fails.
 */
final class MasterReader implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(MasterReader.class);
    private static final int ANSWER_SECONDS = 60;
    private static final Duration COMPARISON_WAIT = Duration.ofSeconds(20);
    private static final long LOOK_MILLIS = 20;

    private final CaptureConfig config;
    private final SourceSessions sessions;
    private final Spool spool;
    private final StatusBoard board;
    private final MasterHistory history;
    private final LongSupplier forwarderDurableLsn;
    private final Announcements announcements = new Announcements();
    private final TransactionIds ids = new TransactionIds();
    private final Backoff backoff = new Backoff(Duration.ofMillis(200), Duration.ofSeconds(10));
    private final Supplier<TableSelection> selection;

    private volatile boolean stopping;
    private volatile ReplicatorException fatal;
    private volatile CatalogWatcher watcher;
    private volatile String systemIdentifier = "";

    /**
     * @param selection the table set in force; it may change
     * @param forwarderDurableLsn how far the forwarder has everything durably
     */
    MasterReader(
            CaptureConfig config,
            Spool spool,
            StatusBoard board,
            MasterHistory history,
            SourceSessions sessions,
            Supplier<TableSelection> selection,
            LongSupplier forwarderDurableLsn) {
        this.config = config;
        this.spool = spool;
        this.board = board;
        this.history = history;
        this.sessions = sessions;
        this.selection = selection;
        this.forwarderDurableLsn = forwarderDurableLsn;
    }

    /** Why it ended by itself, or null. */
    ReplicatorException fatal() {
        return fatal;
    }

    TransactionIds ids() {
        return ids;
    }

    /** The master's, as last seen; empty before the first connection. */
    String systemIdentifier() {
        return systemIdentifier;
    }

    /** The watcher of the present session, or null while there is none. */
    CatalogWatcher watcher() {
        return watcher;
    }

    /** Makes {@link #run} end soon. */
    void stop() {
        stopping = true;
        backoff.cancel();
    }

    @Override
    public void run() {
        try {
            while (!stopping) {
                runOnce();
                if (!stopping && !backoff.pause()) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            LOG.debug("Reader was interrupted");
        } catch (ReplicatorException e) {
            end(e);
        } catch (IOException e) {
            end(new ReplicatorException(
                    ErrorCode.FAILED,
                    "writing to the spool in " + config.queue().directory() + ": " + e.getMessage(),
                    "Nothing that is not durable was confirmed to the master. Mend the disk and start capture again.",
                    e));
        } catch (RuntimeException e) {
            end(new ReplicatorException(
                    ErrorCode.INTERNAL, "reading the master's log: " + e, "Run with --verbose and report it.", e));
        }
    }

    private void end(ReplicatorException e) {
        fatal = e;
        String reason = e.hint().isEmpty() ? e.getMessage() : e.getMessage() + ". " + e.hint();
        board.state(CaptureState.STOPPED, reason);
        LOG.error("Capture stops: {}", reason);
    }

    private void runOnce() throws IOException, InterruptedException {
        try {
            session();
        } catch (SessionEndedException e) {
            LOG.debug("Session ended: {}", e.getMessage());
        } catch (SQLException e) {
            retry("SQLSTATE " + e.getSQLState() + ": " + e.getMessage(), e);
        } catch (ProtocolException e) {
            retry(e.getMessage(), e);
        } catch (ReplicatorException e) {
            if (e.code() != ErrorCode.UNAVAILABLE) {
                throw e;
            }
            retry(e.getMessage(), e);
        }
    }

    private void retry(String why, Exception e) {
        if (!stopping) {
            board.state(CaptureState.CONNECTING, why);
            LOG.warn("Capture does not read from {} now: {}; trying again", sessions.target(), why);
            LOG.debug("Session failed", e);
        }
    }

    private void session() throws SQLException, IOException, InterruptedException {
        try (Connection sql = sessions.open("replicator capture", ANSWER_SECONDS)) {
            ServerRequirements.check(
                    MasterSettings.read(sql, config.source().slot()),
                    config.source().user());
            session(sql);
        }
    }

    private void session(Connection sql) throws SQLException, IOException, InterruptedException {
        try (ReplicationSession replication = ReplicationSession.open(sessions, applicationName())) {
            SystemIdentity identity = replication.identify();
            systemIdentifier = identity.systemIdentifier();
            ids.observe(Catalog.snapshot(sql).xmax());
            PublicationState publication = history.prepare(sql, identity);
            spool.queue().writer().sync();
            spool.commitLog().truncateAfter(spool.queue().durableTail().seq());
            replication.decodeIn(config.source().decodingBytes());
            replication.start(config.source().slot(), config.source().publication());
            // Looked at again: until now another walsender may have moved it.
            SlotState slot = Catalog.slot(sql, config.source().slot()).orElseThrow();
            stream(replication, publication, slot);
        }
    }

    /** Name of the walsender in synchronous_standby_names. */
    private String applicationName() {
        return "replicator_" + config.cluster();
    }

    private void stream(ReplicationSession replication, PublicationState publication, SlotState slot)
            throws SQLException, IOException, InterruptedException {
        Resent resent = new Resent(spool.commitLog(), spool.queue().durableTail(), slot.confirmedLsn());
        LongSupplier confirmable = config.confirm() == CaptureConfig.Confirm.FORWARDER
                ? this::durableAtForwarder
                : spool.queue()::durableLsn;
        ReaderLoop.Limits limits = new ReaderLoop.Limits(config.spoolMaxBytes(), () -> stopping);
        ReaderLoop loop = new ReaderLoop(replication, spool, board, announcements, confirmable, limits);
        try (TransactionWriter writer =
                new TransactionWriter(spool, ids, board, resent, loop::stall, new WatcherLook())) {
            CatalogWatcher.Source source = new CatalogWatcher.Source(
                    sessions,
                    history.publication(),
                    publication.oid(),
                    config.source().slot(),
                    replication.backendPid());
            SessionParts parts = new SessionParts(spool, ids, announcements, board, writer::truncatedBy);
            try (CatalogWatcher watching = new CatalogWatcher(source, config, selection, parts)) {
                watching.start();
                watcher = watching;
                board.state(CaptureState.STREAMING, "");
                backoff.reset();
                loop.run(writer, new PgoutputDecoder(writer), watching);
            } finally {
                watcher = null;
            }
        }
    }

    /** The reader's side of the catalogue watcher. */
    private final class WatcherLook implements TransactionWriter.CatalogLook {
        @Override
        public void due() {
            CatalogWatcher watching = watcher;
            if (watching != null) {
                watching.wake();
            }
        }

        @Override
        public void await(TransactionWriter writer) throws IOException {
            CatalogWatcher watching = watcher;
            long deadline = System.nanoTime() + COMPARISON_WAIT.toNanos();
            try {
                long look = watching == null ? 0 : watching.ask();
                while (watching != null
                        && !watching.awaitCompared(look, LOOK_MILLIS)
                        && !stopping
                        && watching.failure() == null
                        && System.nanoTime() < deadline) {
                    // The watcher may itself wait for what it has announced.
                    announcements.drainTo(writer);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            announcements.drainTo(writer);
        }
    }

    private long durableAtForwarder() {
        long ours = spool.queue().durableLsn();
        long theirs = forwarderDurableLsn.getAsLong();
        return Long.compareUnsigned(theirs, ours) < 0 ? theirs : ours;
    }
}
