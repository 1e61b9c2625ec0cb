package dev.replicator.capture;

import dev.replicator.capture.postgres.SourceSessions;
import dev.replicator.dumps.DumpState;
import dev.replicator.dumps.DumpStore;
import dev.replicator.dumps.StoredDump;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.wire.DumpOrder;
import dev.replicator.queue.wire.DumpOrderTable;
import java.io.IOException;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes dump orders and works them off one group after the other. A dump that a restart has cut short has lost its
 * snapshot: it is reported as failed and made anew under another id (rule R03); one that was read completely is sent.
 */
final class DumpWorker implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DumpWorker.class);
    private static final long CLOSE_WAIT_MILLIS = 3000;

    private final DumpStore store;
    private final DumpUploads uploads;
    private final ForwarderLink link;
    private final DumpJob job;
    private final LinkedBlockingQueue<DumpOrder> orders = new LinkedBlockingQueue<>();
    /** Groups by id of the dumps that are being served: a forwarder that lost its index gives ids anew. */
    private final Map<String, String> accepted = new ConcurrentHashMap<>();

    private final Set<String> cancelled = ConcurrentHashMap.newKeySet();
    private final Thread thread;
    private volatile boolean closing;

    DumpWorker(
            CaptureConfig config,
            Spool spool,
            SourceSessions sessions,
            ForwarderClient client,
            ForwarderLink link,
            StatusBoard board,
            Supplier<CatalogWatcher> watcher,
            Supplier<TableSelection> selection)
            throws IOException {
        this.store = DumpStore.open(config.dumps().directory());
        this.uploads = new DumpUploads(client, store, this::refused);
        this.link = link;
        this.job = new DumpJob(config, spool, sessions, store, uploads, board, watcher, selection);
        this.thread = new Thread(this::run, "dump-worker");
        this.thread.setDaemon(true);
    }

    /** Looks after what an earlier run has left, then takes orders. */
    void start() throws IOException {
        for (StoredDump dump : store.list()) {
            if (dump.state() == DumpState.COMPLETE) {
                accepted.put(dump.id(), dump.manifest().group());
                uploads.start(dump);
            } else {
                link.dumpFailed(dump.id(), "capture was stopped while the dump was read", true);
                store.delete(dump.id());
            }
        }
        thread.start();
    }

    /** Accepts an order; one that is known is being served already. */
    void order(DumpOrder order) {
        DumpOrder.Builder fresh = DumpOrder.newBuilder().setGroup(order.getGroup());
        for (DumpOrderTable table : order.getTablesList()) {
            String id = table.getDumpId();
            String known = accepted.put(id, order.getGroup());
            if (known != null && !known.equals(order.getGroup())) {
                forget(id);
            }
            if (!order.getGroup().equals(known)) {
                cancelled.remove(id);
                fresh.addTables(table);
            }
        }
        if (fresh.getTablesCount() > 0) {
            orders.add(fresh.build());
        }
    }

    /** The forwarder means another dump by this id now. */
    private void forget(String dumpId) {
        uploads.cancel(dumpId);
        try {
            store.delete(dumpId);
        } catch (IOException e) {
            LOG.warn("Files of the former dump {} could not be removed: {}", dumpId, e.getMessage());
        }
    }

    void cancel(String dumpId) {
        cancelled.add(dumpId);
        uploads.cancel(dumpId);
    }

    private void run() {
        try {
            while (!closing) {
                DumpOrder order = orders.take();
                DumpJob.Outcome outcome = new DumpJob.Outcome() {
                    @Override
                    public boolean isCancelled(String dumpId) {
                        return closing || cancelled.contains(dumpId);
                    }

                    @Override
                    public void failed(String dumpId, String reason, boolean retry) {
                        fail(dumpId, reason, retry);
                    }
                };
                job.run(order, outcome);
                Set<String> over = new HashSet<>();
                order.getTablesList().forEach(table -> over.add(table.getDumpId()));
                cancelled.removeAll(over);
            }
        } catch (InterruptedException e) {
            LOG.debug("Dump worker was interrupted");
        }
    }

    /** The forwarder does not want what we send: reading on is useless, but it may ask again. */
    private void refused(String dumpId, String reason) {
        LOG.atWarn().addKeyValue("dump", dumpId).log("The forwarder refused the dump: {}", reason);
        cancelled.add(dumpId);
        accepted.remove(dumpId);
    }

    private void fail(String dumpId, String reason, boolean retry) {
        // Forgotten, so that the same id may be ordered once more.
        accepted.remove(dumpId);
        if (!closing && !cancelled.contains(dumpId)) {
            LOG.atWarn().addKeyValue("dump", dumpId).log("Dump failed: {}", reason);
            link.dumpFailed(dumpId, reason, retry);
        }
    }

    @Override
    public void close() {
        closing = true;
        thread.interrupt();
        try {
            thread.join(CLOSE_WAIT_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        uploads.close();
        try {
            store.close();
        } catch (IOException e) {
            LOG.warn("Closing the staging directory of dumps: {}", e.getMessage());
        }
    }
}
