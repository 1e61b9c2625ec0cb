package dev.replicator.capture;

import dev.replicator.capture.postgres.SourceSessions;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.format.CorruptRecordException;
import dev.replicator.queue.store.QueueLockedException;
import dev.replicator.queue.wire.DumpOrder;
import dev.replicator.runtime.Daemon;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.Health;
import dev.replicator.runtime.HttpServer;
import dev.replicator.runtime.ReplicatorException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The capture daemon: wires its threads together and ends them in order. */
public final class CaptureDaemon implements Daemon, LinkOrders {
    private static final Logger LOG = LoggerFactory.getLogger(CaptureDaemon.class);
    private static final long THREAD_END_MILLIS = 8000;

    private final Path configFile;
    private final CaptureConfig config;
    private final StatusBoard board = new StatusBoard();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final SourceSessions sessions;

    private volatile TableSelection selection;
    private Spool spool;
    private ForwarderClient client;
    private ForwarderLink link;
    private MasterReader reader;
    private MarkerEmitter markers;
    private DumpWorker dumps;
    private HttpServer http;
    private Thread readerThread;
    private Thread linkThread;

    /**
     * A daemon that has not started.
     *
     * @param configFile the file it was read from; {@link #reload} reads it again
     */
    public CaptureDaemon(Path configFile, CaptureConfig config) {
        this.configFile = configFile;
        this.config = config;
        this.selection = config.tables();
        CaptureConfig.Source source = config.source();
        this.sessions = new SourceSessions(
                source.url(), source.user(), source.password().value());
    }

    @Override
    public void start() throws IOException {
        spool = openSpool();
        if (config.forwarder().isPresent()) {
            client = ForwarderClient.open(config.cluster(), config.forwarder().get());
            link = new ForwarderLink(
                    client,
                    spool,
                    board,
                    this,
                    () -> reader.systemIdentifier(),
                    config.confirm() == CaptureConfig.Confirm.FORWARDER);
        }
        MasterHistory history = new MasterHistory(spool, sessions, config.source(), client, board);
        reader = new MasterReader(
                config, spool, board, history, sessions, () -> selection, () -> link == null ? 0 : link.durableLsn());
        markers = new MarkerEmitter(sessions);
        if (link != null) {
            dumps = new DumpWorker(config, spool, sessions, client, link, board, reader::watcher, () -> selection);
            dumps.start();
        }
        if (config.http().isPresent()) {
            http = new HttpServer(config.http().get(), CaptureMetrics.of(board, spool), this::health);
        }
        readerThread = thread("capture-reader", this::read);
        if (link != null) {
            linkThread = thread("forwarder-link", link);
        }
    }

    private Spool openSpool() throws IOException {
        try {
            return Spool.open(config.queue());
        } catch (QueueLockedException e) {
            throw new ReplicatorException(
                    ErrorCode.REFUSED, "opening the spool: " + e.getMessage(), "One capture runs already.", e);
        } catch (CorruptRecordException e) {
            throw new ReplicatorException(
                    ErrorCode.DAMAGE,
                    "opening the spool: " + e.getMessage(),
                    "Nothing is cut by itself. See 'replicator queue verify'; if the disk cannot be mended, empty the"
                            + " directory: capture then goes on with the forwarder's history if it can.",
                    e);
        }
    }

    private static Thread thread(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.start();
        return thread;
    }

    private void read() {
        try {
            reader.run();
        } finally {
            ended.countDown();
        }
    }

    StatusBoard board() {
        return board;
    }

    Spool spool() {
        return spool;
    }

    /** The watcher of the present session, or null. */
    CatalogWatcher watcher() {
        return reader.watcher();
    }

    private Health health() {
        boolean live = reader.fatal() == null;
        boolean ready = board.state() == CaptureState.STREAMING;
        String error = board.error();
        return new Health(live, ready, board.state().text() + (error.isEmpty() ? "" : ": " + error));
    }

    /** Reads {@code tables:} and {@code exclude:} again; everything else needs a restart. */
    @Override
    public void reload() {
        TableSelection fresh = CaptureConfig.load(configFile).tables();
        LOG.info("Table set is now {}", fresh);
        selection = fresh;
        CatalogWatcher watcher = reader.watcher();
        if (watcher != null) {
            watcher.wake();
        }
    }

    @Override
    public void awaitEnd() throws InterruptedException {
        ended.await();
        ReplicatorException fatal = reader.fatal();
        if (fatal != null) {
            throw fatal;
        }
    }

    @Override
    public void dump(DumpOrder order) {
        dumps.order(order);
    }

    @Override
    public void cancelDump(String dumpId) {
        dumps.cancel(dumpId);
    }

    @Override
    public void mark(String marker) {
        markers.mark(marker);
    }

    @Override
    public void close() {
        // The link goes last of the threads: its last status tells the forwarder why we end.
        if (http != null) {
            http.close();
            http = null;
        }
        if (dumps != null) {
            dumps.close();
        }
        if (reader != null) {
            reader.stop();
            join(readerThread);
        }
        if (link != null) {
            link.stop();
            join(linkThread);
        }
        if (markers != null) {
            markers.close();
        }
        if (client != null) {
            client.close();
        }
        closeSpool();
    }

    private void closeSpool() {
        if (spool == null) {
            return;
        }
        try {
            spool.close();
            spool = null;
        } catch (IOException e) {
            throw new ReplicatorException(
                    ErrorCode.FAILED,
                    "closing the spool in " + config.queue().directory() + ": " + e.getMessage(),
                    "Nothing that is not durable was confirmed; start capture again.",
                    e);
        }
    }

    private static void join(Thread thread) {
        if (thread == null) {
            return;
        }
        try {
            thread.join(THREAD_END_MILLIS);
            if (thread.isAlive()) {
                thread.interrupt();
                thread.join(THREAD_END_MILLIS / 4);
            }
        } catch (InterruptedException e) {
            thread.interrupt();
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        return "capture of " + config.cluster() + ", " + board.state().text();
    }
}
