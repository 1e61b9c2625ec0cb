package dev.replicator.forwarder;

import dev.replicator.dumps.DumpStore;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.CorruptRecordException;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.store.QueueOptions;
import dev.replicator.queue.store.QueueReader;
import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.runtime.Daemon;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.Health;
import dev.replicator.runtime.HttpServer;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.config.Secret;
import dev.replicator.runtime.net.Peer;
import dev.replicator.runtime.net.Servers;
import io.grpc.Server;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The forwarder: holds the replication queue and the dumps, takes in from capture, serves slaves and operators. The
 * constructor graph in {@link #start} is the design.
 */
public final class ForwarderDaemon implements Daemon {
    private static final Logger LOG = LoggerFactory.getLogger(ForwarderDaemon.class);
    private static final Duration HOUSEKEEPING = Duration.ofMillis(500);
    private static final Duration STOP_GRACE = Duration.ofMillis(500);
    private static final long SEGMENT_BYTES_MIN = 256 << 10;
    private static final int SEGMENTS_OF_BUDGET = 8;

    private final ForwarderConfig config;
    private final Clock clock = Clock.systemUTC();
    private final CompletableFuture<Void> end = new CompletableFuture<>();
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();

    private ReplicationQueue queue;
    private Slaves slaves;
    private TableSets tableSets;
    private Histories histories;
    private Retention retention;
    private Visibility visibility;
    private CaptureLink link;
    private DumpCatalog dumps;
    private DumpRequirements requirements;
    private Server server;
    private HttpServer http;
    private boolean closed;

    /** Starts nothing yet. */
    public ForwarderDaemon(ForwarderConfig config) {
        this.config = config;
    }

    @Override
    public synchronized void start() throws IOException {
        Map<String, SlaveFile> files = loadSlaveFiles();
        queue = opened(openQueue());
        DumpStore store = opened(DumpStore.open(config.dumpDirectory()));
        Workers workers = opened(new Workers());

        QueueAppender appender = new QueueAppender(queue);
        tableSets = new TableSets(queue, appender);
        slaves = new Slaves(queue.values());
        link = new CaptureLink();
        visibility = new Visibility(queue);
        dumps = new DumpCatalog(queue, DumpFiles.of(store), clock, System::nanoTime, link::cancelDump);
        histories = new Histories(queue, appender, tableSets, slaves, dumps);
        requirements = new DumpRequirements(dumps, link, slaves, visibility);
        Room room = new Room();
        retention = new Retention(
                queue,
                slaves,
                dumps,
                visibility,
                room,
                new Retention.Budget(
                        config.queueMaxBytes(), config.onFull(), config.dumpMaxBytes(), config.dumpMaxAge()),
                clock);
        recover(files);

        CommitTimes times = new CommitTimes();
        Markers markers = new Markers(link);
        CaptureService captureService = new CaptureService(new CaptureContext(
                config.cluster(),
                queue,
                appender,
                link,
                histories,
                slaves,
                dumps,
                markers,
                room,
                times::note,
                this::captureReported,
                this::fail));
        SlaveCommands commands = new SlaveCommands(queue.values());
        SlaveService slaveService = new SlaveService(
                config.cluster(),
                queue,
                slaves,
                new LaneStarts(queue, tableSets, slaves, link::captureEpoch, dumps::knowsMarker),
                requirements,
                dumps,
                commands,
                workers);
        SlaveStatus slaveStatus = new SlaveStatus(queue, slaves, link, requirements, times, clock);
        StatusReport status =
                new StatusReport(config.cluster(), queue, link, slaves, slaveStatus, dumps, retention, visibility);
        AdminService adminService = new AdminService(new AdminService.Parts(
                status,
                slaveStatus,
                slaves,
                commands,
                dumps,
                requirements,
                new AdminFollower(markers, link, slaveStatus, status, dumps, slaves),
                workers,
                this::reload));
        if (config.http() != null) {
            ForwarderMetrics metrics = new ForwarderMetrics(queue, link, times, dumps, slaves, slaveStatus);
            http = opened(new HttpServer(config.http(), metrics.registry(), this::health));
        }
        startHousekeeping();
        server = Servers.start(config.listen(), config.tls(), this::peer, captureService, slaveService, adminService);
        opened.push(() -> Servers.stop(server, STOP_GRACE));
        LOG.atInfo()
                .addKeyValue("port", server.getPort())
                .addKeyValue("slaves", files.keySet())
                .log("The forwarder listens");
    }

    private ReplicationQueue openQueue() {
        try {
            return ReplicationQueue.open(queueOptions());
        } catch (IOException e) {
            throw queueFailure(e);
        }
    }

    private ReplicatorException queueFailure(Exception reason) {
        if (reason instanceof CorruptRecordException damage) {
            return new ReplicatorException(
                    ErrorCode.DAMAGE,
                    "The forwarder's queue is damaged: " + damage.getMessage(),
                    "Nothing damaged was sent to a slave. Move " + config.queueDirectory()
                            + " away, keep it for inspection, and start the forwarder with an empty one: capture sends what its"
                            + " spool holds, slaves below that get new dumps.",
                    damage);
        }
        return new ReplicatorException(
                ErrorCode.FAILED,
                "The forwarder cannot use its queue in " + config.queueDirectory() + ": " + reason.getMessage(),
                "Mend the disk, or make room on it, and start it again; nothing that was acknowledged is lost.",
                reason);
    }

    private QueueOptions queueOptions() {
        // Retention works by whole segments: a small budget needs small ones.
        long segment = Math.max(
                SEGMENT_BYTES_MIN,
                Math.min(QueueOptions.DEFAULT_SEGMENT_BYTES, config.queueMaxBytes() / SEGMENTS_OF_BUDGET));
        QueueOptions defaults = QueueOptions.of(config.queueDirectory());
        return new QueueOptions(defaults.directory(), segment, defaults.largeTransactionBytes());
    }

    private void recover(Map<String, SlaveFile> files) throws IOException {
        histories.noteCut(queue.recovery());
        if (queue.recovery().indexRebuilt()) {
            LOG.atWarn().log("The queue's index was rebuilt: nothing is pruned before every slave has connected once");
        }
        visibility.open();
        tableSets.open();
        slaves.reload(files);
        dumps.open();
        findMarkers();
        histories.recordTableSets();
    }

    /** A marker may have come in right before the last stop, unnoticed by its dumps. */
    private void findMarkers() throws IOException {
        if (!dumps.awaitsMarkers() || !queue.hasHistory()) {
            return;
        }
        try (QueueReader reader = queue.readFromStart()) {
            for (RecordHeader header = reader.next(Set.of()); header != null; header = reader.next(Set.of())) {
                if (header.kind() == RecordKind.DUMP_MARKER) {
                    dumps.marker(ControlRecords.markerText(TableSets.controlJson(reader)));
                }
            }
        }
    }

    private void startHousekeeping() {
        ScheduledExecutorService housekeeping = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "housekeeping");
            thread.setDaemon(true);
            return thread;
        });
        opened.push(() -> {
            housekeeping.shutdownNow();
            housekeeping.awaitTermination(5, TimeUnit.SECONDS);
        });
        housekeeping.scheduleWithFixedDelay(
                this::housekeep, HOUSEKEEPING.toMillis(), HOUSEKEEPING.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void housekeep() {
        try {
            slaves.flush();
            visibility.flush();
            tableSets.checkpoint();
            retention.run();
            requirements.sendOrders();
        } catch (IOException | RuntimeException e) {
            // The next round tries again; what must not fail silently fails where it is used.
            LOG.atWarn().setCause(e).log("Housekeeping failed");
        }
    }

    private void captureReported() {
        link.status().ifPresent(status -> visibility.report(status.getVisibleSeq()));
        try {
            requirements.sendOrders();
        } catch (IOException e) {
            LOG.atWarn().log("Cannot send dump orders: {}", e.getMessage());
        }
    }

    private Map<String, SlaveFile> loadSlaveFiles() {
        return SlaveFiles.load(config.slaves(), Map.of("capture", config.captureToken(), "admin", config.adminToken()));
    }

    /** Re-reads slaves.d; a broken file changes nothing. */
    @Override
    public synchronized void reload() throws IOException {
        Map<String, SlaveFile> files = loadSlaveFiles();
        slaves.reload(files);
        histories.recordTableSets();
        for (DumpEntry entry : dumps.list()) {
            for (String slave : Set.copyOf(entry.wantedBy)) {
                if (!files.containsKey(slave)) {
                    dumps.release(entry.id, slave);
                }
            }
        }
        LOG.atInfo().addKeyValue("slaves", files.keySet()).log("Slave files read again");
    }

    private Optional<Peer> peer(String token) {
        if (same(config.captureToken(), token)) {
            return Optional.of(new Peer(Peer.Role.CAPTURE, "capture"));
        }
        if (same(config.adminToken(), token)) {
            return Optional.of(new Peer(Peer.Role.ADMIN, "admin"));
        }
        return slaves.files().values().stream()
                .filter(file -> same(file.token(), token))
                .map(file -> new Peer(Peer.Role.SLAVE, file.slave()))
                .findFirst();
    }

    /** Takes the same time whatever is wrong with the token. */
    private static boolean same(Secret expected, String token) {
        return MessageDigest.isEqual(
                expected.value().getBytes(StandardCharsets.UTF_8), token.getBytes(StandardCharsets.UTF_8));
    }

    private Health health() {
        if (end.isCompletedExceptionally()) {
            return new Health(false, false, "failed; see the log");
        }
        String obstacle = link.obstacle();
        if (obstacle != null) {
            return new Health(true, false, obstacle);
        }
        return link.isConnected() ? Health.OK : new Health(true, true, "ok, no capture is connected");
    }

    private void fail(Exception reason) {
        LOG.atError().setCause(reason).log("The forwarder cannot go on");
        end.completeExceptionally(queueFailure(reason));
    }

    /** Port it listens on for daemons and operators. */
    public int port() {
        return server.getPort();
    }

    /** Port of metrics and health; 0 without. */
    public int httpPort() {
        return http == null ? 0 : http.port();
    }

    @Override
    public void awaitEnd() throws InterruptedException {
        try {
            end.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof ReplicatorException known) {
                throw known;
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        while (!opened.isEmpty()) {
            AutoCloseable next = opened.pop();
            if (next == queue) {
                flushLast();
            }
            try {
                next.close();
            } catch (Exception e) {
                if (e instanceof InterruptedException) {
                    Thread.currentThread().interrupt();
                }
                LOG.atWarn().setCause(e).log("Closing failed");
            }
        }
        end.complete(null);
    }

    private void flushLast() {
        try {
            if (slaves != null) {
                slaves.flush();
                visibility.flush();
            }
        } catch (IOException e) {
            LOG.atWarn().log("Cannot store the slaves' cursors: {}", e.getMessage());
        }
    }

    private <T extends AutoCloseable> T opened(T resource) {
        opened.push(resource);
        return resource;
    }
}
