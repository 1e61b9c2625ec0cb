package dev.replicator.capture;

import dev.replicator.capture.postgres.Catalog;
import dev.replicator.capture.postgres.CatalogTable;
import dev.replicator.capture.postgres.Publication;
import dev.replicator.capture.postgres.PublicationState;
import dev.replicator.capture.postgres.SlotState;
import dev.replicator.capture.postgres.Snapshot;
import dev.replicator.capture.postgres.SourceSessions;
import dev.replicator.capture.postgres.TableCatalog;
import dev.replicator.capture.postgres.TransactionIds;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.wire.CapturedTable;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at the master's catalogue once a second, on a session of its own: keeps the publication in step with {@code
 * tables:}, finds new incarnations, moves V on, and watches what continuity depends on. Lives as long as one replication
 * session; everything but its own loop may be called by any thread.
 */
final class CatalogWatcher implements AutoCloseable, Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(CatalogWatcher.class);
    private static final long POLL_MILLIS = 1000;
    private static final long COMPARE_EVERY_POLLS = 30;
    private static final long PRUNE_EVERY_POLLS = 10;
    private static final int ANSWER_SECONDS = 60;
    private static final long CLOSE_WAIT_MILLIS = 5000;

    /** What the watcher works with. */
    record Source(
            SourceSessions sessions, Publication publication, long publicationOid, String slot, int walSenderPid) {}

    private final Source source;
    private final Supplier<TableSelection> selection;
    private final boolean allowFullIdentity;
    private final Spool spool;
    private final TransactionIds ids;
    private final Announcements announcements;
    private final StatusBoard board;
    private final JoinedTables joined;
    private final StorageWatch storage;
    private final CommitLogPruning pruning;
    private final Thread thread;

    private volatile boolean closing;
    private volatile boolean synchronousStandby;
    private volatile Exception failure;
    private long requestedChecks = 1;
    private long completedChecks;
    private boolean wanted;
    private int serverVersion;

    CatalogWatcher(Source source, CaptureConfig config, Supplier<TableSelection> selection, SessionParts parts) {
        this.source = source;
        this.selection = selection;
        this.allowFullIdentity = config.allowFullIdentity();
        this.spool = parts.spool();
        this.ids = parts.ids();
        this.announcements = parts.announcements();
        this.board = parts.board();
        this.joined = new JoinedTables(spool.tables(), source.publication(), announcements, ids);
        this.storage = new StorageWatch(spool.tables(), joined, board, parts.truncatedBy());
        this.pruning = new CommitLogPruning(spool);
        this.thread = new Thread(this, "catalog-watcher");
        this.thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** Why the session must end, or null. */
    Exception failure() {
        return failure;
    }

    /** Whether commits on the master wait for us; idle positions are then confirmed at once (rule R20). */
    boolean isSynchronousStandby() {
        return synchronousStandby;
    }

    /** Asks for a comparison soon; returns at once. */
    void wake() {
        ask();
    }

    /** Asks for a comparison soon; returns what {@link #awaitCompared} is to wait for. */
    synchronized long ask() {
        wanted = true;
        notifyAll();
        return ++requestedChecks;
    }

    /**
     * Waits for a comparison, but not for what it announces to be written.
     *
     * @return whether it was made
     */
    synchronized boolean awaitCompared(long look, long millis) throws InterruptedException {
        if (completedChecks < look && !closing) {
            wait(millis);
        }
        return completedChecks >= look;
    }

    /**
     * Compares catalogue and records now, and waits until the stream has everything that came of it.
     *
     * @return false when that took too long
     */
    boolean checkNow(Duration timeout) throws InterruptedException {
        long deadline = System.nanoTime() + timeout.toNanos();
        synchronized (this) {
            long mine = ask();
            while (completedChecks < mine) {
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (left <= 0 || closing) {
                    return false;
                }
                wait(left);
            }
        }
        return announcements.awaitDurable(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
    }

    @Override
    public void run() {
        try (Connection sql = source.sessions().open("replicator capture catalogue", ANSWER_SECONDS);
                Statement setup = sql.createStatement()) {
            // An ALTER PUBLICATION that waits for a table's lock must not hold up the others.
            setup.execute("SET lock_timeout = '5s'");
            serverVersion = Catalog.serverVersion(sql);
            for (long polls = 0; !closing; polls++) {
                poll(sql, polls);
                awaitNextPoll();
            }
        } catch (InterruptedException e) {
            LOG.debug("Catalogue watcher was interrupted");
        } catch (SQLException | IOException | RuntimeException e) {
            if (!closing) {
                failure = e;
            }
        }
    }

    private void poll(Connection sql, long polls) throws SQLException, IOException, InterruptedException {
        long asked;
        synchronized (this) {
            asked = requestedChecks;
        }
        boolean compare = asked > completedChecks || polls % COMPARE_EVERY_POLLS == 0;
        Snapshot snapshot = Catalog.snapshot(sql);
        ids.observe(snapshot.xmax());
        if (polls == 0) {
            spool.tables().forgetWritersFrom(snapshot.xmax());
        }
        board.visible(
                spool.commitLog().advanceVisible(spool.queue().durableTail().seq(), snapshot));
        SlotState slot = checkSource(sql);
        List<CatalogTable> tables = TableCatalog.read(sql, serverVersion, source.publicationOid());
        keepInStep(sql, tables, polls == 0);
        compare(sql, tables, compare);
        publishTables(sql, tables, snapshot);
        if (polls % PRUNE_EVERY_POLLS == 0) {
            spool.commitLog().flush();
            pruning.prune(sql, slot.confirmedLsn());
        }
        synchronized (this) {
            completedChecks = Math.max(completedChecks, compare ? asked : 0);
            notifyAll();
        }
    }

    private SlotState checkSource(Connection sql) throws SQLException {
        SlotState slot = Catalog.slot(sql, source.slot())
                .orElseThrow(() -> lost("replication slot " + source.slot() + " was dropped"));
        board.source(Catalog.flushLsn(sql), slot.walHeldBytes(), slot.safeWalBytes());
        PublicationState publication = source.publication()
                .state(sql, serverVersion)
                .orElseThrow(() -> lost("publication " + source.publication().name() + " was dropped"));
        if (publication.oid() != source.publicationOid()) {
            throw lost("publication " + source.publication().name() + " was dropped and made again");
        }
        if (!publication.defect().isEmpty()) {
            throw lost("publication " + source.publication().name() + " " + publication.defect());
        }
        synchronousStandby = Catalog.isSynchronousStandby(sql, source.walSenderPid());
        return slot;
    }

    private static ReplicatorException lost(String what) {
        return new ReplicatorException(
                ErrorCode.FORKED_HISTORY,
                "watching the master: " + what + ": changes from then on may be in no stream",
                "Run 'replicator capture --config FILE --new-epoch': every slave then gets new dumps.");
    }

    /** Joins and leaves. */
    private void keepInStep(Connection sql, List<CatalogTable> tables, boolean first)
            throws SQLException, IOException, InterruptedException {
        TableSelection wantedTables = selection.get();
        List<CatalogTable> joining = new ArrayList<>();
        Set<Integer> present = new HashSet<>();
        for (CatalogTable table : tables) {
            present.add(table.oid());
            String refusal = refusal(table);
            boolean selected = !table.partition() && wantedTables.contains(table.name());
            if (selected && refusal.isEmpty()) {
                if (isNew(table)) {
                    joining.add(table);
                } else {
                    observe(sql, table, first);
                }
            } else if (table.published()) {
                joined.leave(sql, table, selected ? refusal : "it is not in tables:");
            }
        }
        forgetDropped(present);
        if (!joining.isEmpty()) {
            joined.join(sql, joining);
        }
    }

    private boolean isNew(CatalogTable table) {
        return spool.tables()
                .find(table.oid())
                .map(facts -> !facts.isPublished() || facts.publicationRel() != table.publicationRel())
                .orElse(true);
    }

    private void observe(Connection sql, CatalogTable table, boolean first) throws SQLException, IOException {
        int before = spool.tables().incarnation(table.oid());
        int now = spool.tables().observeName(table.oid(), table.name());
        if (now != before || first) {
            joined.announce(sql, table.oid());
        }
    }

    private void forgetDropped(Set<Integer> present) throws IOException {
        for (TableFacts facts : spool.tables().all()) {
            if (!present.contains(facts.tableId())) {
                LOG.atWarn().addKeyValue("table", facts.name()).log("Table was dropped on the master");
                spool.tables().remove(facts.tableId());
            }
        }
        joined.retain(present);
    }

    /** @param all also tables of which nothing suggests a change */
    private void compare(Connection sql, List<CatalogTable> tables, boolean all) throws SQLException, IOException {
        // What joined just now shows as unpublished here; it was looked at when it joined.
        storage.compare(
                sql,
                tables.stream()
                        .filter(table -> table.published() && !isNew(table))
                        .filter(table -> all || storage.hasOtherLeaves(table))
                        .toList());
    }

    private String refusal(CatalogTable table) {
        if (table.refusal().isEmpty() && table.fullIdentity() && !allowFullIdentity) {
            return "REPLICA IDENTITY FULL, and full-identity: refuse is configured";
        }
        return table.refusal();
    }

    /** Shows every table that somebody may ask for, and clears R01's waiting lists that are over. */
    private void publishTables(Connection sql, List<CatalogTable> tables, Snapshot snapshot)
            throws SQLException, IOException {
        Map<TableName, CapturedTable> all = new TreeMap<>();
        TableSelection wantedTables = selection.get();
        List<TableName> named = wantedTables.namedTables();
        for (TableName name : named) {
            all.put(name, entry(name, 0, 0, "the master does not have it yet", ""));
        }
        for (CatalogTable table : tables) {
            boolean selected = wantedTables.contains(table.name());
            TableFacts facts = spool.tables().find(table.oid()).orElse(null);
            // A partition that only a pattern matches is nothing an operator has to think about.
            boolean quietPartition = table.partition() && !named.contains(table.name());
            if (facts == null && (!selected || quietPartition)) {
                continue;
            }
            int incarnation = facts == null ? 0 : facts.incarnation();
            String waiting = facts == null ? "" : waitingFor(sql, facts, snapshot);
            all.put(
                    table.name(),
                    entry(table.name(), table.oid(), incarnation, error(table, selected, facts), waiting));
        }
        board.tables(all);
    }

    private String error(CatalogTable table, boolean selected, TableFacts facts) {
        if (!selected) {
            return "no longer captured: `tables` of capture.yaml do not include it";
        }
        if (table.partition()) {
            return "is a partition: it is captured with its partitioned table";
        }
        String refusal = refusal(table);
        if (!refusal.isEmpty()) {
            return refusal;
        }
        boolean joining = facts == null || !facts.isPublished();
        return joining && joined.error(table.oid()).isEmpty() ? "is joining" : joined.error(table.oid());
    }

    private String waitingFor(Connection sql, TableFacts facts, Snapshot snapshot) throws SQLException, IOException {
        List<Long> running = facts.writersNotSeenBy(snapshot);
        if (running.size() < facts.writersAtJoin().size()) {
            spool.tables().put(List.of(facts.joined(facts.publicationRel(), running)));
        }
        return running.isEmpty() ? "" : String.join("; ", Catalog.describe(sql, running));
    }

    private static CapturedTable entry(TableName name, int id, int incarnation, String error, String waiting) {
        return CapturedTable.newBuilder()
                .setTable(name.toString())
                .setTableId(id)
                .setIncarnation(incarnation)
                .setError(error)
                .setWaitingFor(waiting)
                .build();
    }

    private synchronized void awaitNextPoll() throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(POLL_MILLIS);
        while (!closing && !wanted) {
            long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
            if (left <= 0) {
                return;
            }
            wait(left);
        }
        wanted = false;
    }

    @Override
    public void close() {
        synchronized (this) {
            closing = true;
            notifyAll();
        }
        try {
            thread.join(CLOSE_WAIT_MILLIS);
            if (thread.isAlive()) {
                thread.interrupt();
            }
        } catch (InterruptedException e) {
            thread.interrupt();
            Thread.currentThread().interrupt();
        }
    }
}
