package dev.replicator.capture;

import dev.replicator.capture.postgres.SourceSessions;
import dev.replicator.dumps.DumpState;
import dev.replicator.dumps.DumpStore;
import dev.replicator.dumps.StoredDump;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.wire.DumpOrder;
import java.io.IOException;
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
    private final DumpOrders known = new DumpOrders();
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
        this.uploads = new DumpUploads(client, store, this::sent, this::refused);
        this.link = link;
        this.job = new DumpJob(config, spool, sessions, store, uploads, board, watcher, selection);
        this.thread = new Thread(this::run, "dump-worker");
        this.thread.setDaemon(true);
    }

    /** Looks after what an earlier run has left, then takes orders. */
    void start() throws IOException {
        for (StoredDump dump : store.list()) {
            if (dump.state() == DumpState.COMPLETE) {
                known.resumed(dump.manifest().group(), dump.id());
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
        DumpOrder fresh = known.fresh(order, this::forget);
        if (fresh.getTablesCount() > 0) {
            orders.add(fresh);
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
        known.cancel(dumpId);
        uploads.cancel(dumpId);
    }

    private void run() {
        try {
            while (!closing) {
                DumpOrder order = orders.take();
                DumpJob.Outcome outcome = new DumpJob.Outcome() {
                    @Override
                    public boolean isCancelled(String dumpId) {
                        return closing || known.isCancelled(order.getGroup(), dumpId);
                    }

                    @Override
                    public void failed(String dumpId, String reason, boolean retry) {
                        fail(order.getGroup(), dumpId, reason, retry);
                    }
                };
                job.run(order, outcome);
            }
        } catch (InterruptedException e) {
            LOG.debug("Dump worker was interrupted");
        }
    }

    private void sent(StoredDump dump) {
        known.over(dump.manifest().group(), dump.id());
    }

    private void refused(StoredDump dump, String reason) {
        LOG.atWarn().addKeyValue("dump", dump.id()).log("The forwarder refused the dump: {}", reason);
        known.over(dump.manifest().group(), dump.id());
    }

    private void fail(String group, String dumpId, String reason, boolean retry) {
        boolean wanted = known.over(group, dumpId);
        if (!closing && wanted) {
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
