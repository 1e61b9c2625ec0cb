package dev.replicator.forwarder;

import dev.replicator.dumps.DumpManifest;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.store.ForkedHistoryException;
import dev.replicator.queue.store.MemoryDisk;
import dev.replicator.queue.store.MemoryQueue;
import dev.replicator.queue.store.MemoryReader;
import dev.replicator.queue.store.StoredRecord;
import dev.replicator.queue.wire.CaptureAck;
import dev.replicator.queue.wire.CaptureHello;
import dev.replicator.queue.wire.CaptureStatus;
import dev.replicator.queue.wire.CaptureWelcome;
import dev.replicator.queue.wire.LaneStart;
import dev.replicator.queue.wire.RequireDumpsReply;
import dev.replicator.queue.wire.RequireDumpsRequest;
import dev.replicator.queue.wire.SlaveReport;
import dev.replicator.queue.wire.Subscribe;
import dev.replicator.queue.wire.ToCapture;
import dev.replicator.queue.wire.WirePositions;
import dev.replicator.runtime.config.Secret;
import dev.replicator.simulation.TableRows;
import dev.replicator.simulation.World;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * The forwarder of the model check: histories, intake, dump catalogue, requirements, grants, table sets, lane starts and
 * retention are the product's classes over a queue in memory; calls and threads are steps.
 */
public final class ForwarderModel {
    private static final Clock STILL = Clock.fixed(Instant.EPOCH, ZoneOffset.UTC);

    private final World world;
    private final Retention.Budget budget;
    private MemoryDisk disk;
    private MemoryDumps files = new MemoryDumps();
    private final Map<String, SlaveFile> slaveFiles = new TreeMap<>();

    private boolean running;
    private MemoryQueue queue;
    private QueueAppender appender;
    private TableSets tableSets;
    private Slaves slaves;
    private CaptureLink link;
    private Visibility visibility;
    private DumpCatalog dumps;
    private Histories histories;
    private DumpRequirements requirements;
    private Retention retention;
    private LaneStarts starts;
    private IntakeRules rules;
    private SlaveCommands commands;
    private CaptureConnection capture;
    private final List<LaneStreamModel> streams = new ArrayList<>();

    /** What became of a subscription: one of the two is null. */
    public record Subscription(LaneStreamModel stream, LaneStart refused) {}

    /**
     * A dump as a slave that fetches it sees it.
     *
     * @param manifest null when the dump is gone or has failed
     * @param rows null while they are on their way
     * @param complete whether the manifest is the complete one and its marker has passed
     */
    public record Fetched(DumpManifest manifest, TableRows rows, boolean complete) {}

    /** @param records budget of the queue, in records */
    public ForwarderModel(World world, int recordsPerSegment, int records) {
        this.world = world;
        this.disk = new MemoryDisk(recordsPerSegment);
        this.budget = new Retention.Budget(records * 100L, ForwarderConfig.OnFull.DROP_SLAVE, 8, Duration.ofDays(7));
    }

    private void log(Supplier<String> what) {
        world.log("forwarder", what);
    }

    public void grant(String slave, List<String> tables) {
        List<String> names = tables.stream().map(table -> "public." + table).toList();
        slaveFiles.put(
                slave, new SlaveFile(Path.of("model"), slave, new Secret("x"), new TableSelection(names, List.of())));
    }

    /** Tables that a slave's file names. */
    public List<String> granted(String slave) {
        return slaveFiles.get(slave).tables().namedTables().stream()
                .map(TableName::table)
                .toList();
    }

    /** {@code reload}: the files as they are now. */
    public boolean reload() throws IOException {
        if (!running) {
            return false;
        }
        slaves.reload(slaveFiles);
        histories.recordTableSets();
        return true;
    }

    // Process.

    public boolean isRunning() {
        return running;
    }

    public boolean start() throws IOException {
        if (running) {
            return false;
        }
        queue = new MemoryQueue(disk);
        appender = new QueueAppender(queue);
        tableSets = new TableSets(queue, appender);
        slaves = new Slaves(queue.values());
        link = new CaptureLink();
        visibility = new Visibility(queue);
        dumps = new DumpCatalog(queue, files, STILL, world::nanos, link::cancelDump);
        histories = new Histories(queue, appender, tableSets, slaves, dumps);
        requirements = new DumpRequirements(dumps, link, slaves, visibility);
        retention = new Retention(queue, slaves, dumps, visibility, new Room(), budget, STILL);
        starts = new LaneStarts(queue, tableSets, slaves, link::captureEpoch, dumps::knowsMarker);
        rules = new IntakeRules(queue, appender);
        commands = new SlaveCommands(queue.values());
        visibility.open();
        tableSets.open();
        slaves.reload(slaveFiles);
        dumps.open();
        findMarkers();
        histories.recordTableSets();
        running = true;
        log(() -> "starts; queue " + (queue.hasHistory() ? queue.firstSeq() + " to " + queue.durableTail() : "empty"));
        return true;
    }

    private void findMarkers() throws IOException {
        if (!dumps.awaitsMarkers() || !queue.hasHistory()) {
            return;
        }
        MemoryReader reader = queue.readFromStart();
        for (RecordHeader header = reader.next(); header != null; header = reader.next()) {
            if (header.kind() == RecordKind.DUMP_MARKER) {
                dumps.marker(ControlRecords.markerText(reader.record().json()));
            }
        }
    }

    /** Dies; the first records that waited for the disk may have come to it. */
    public void crash(int synced) {
        if (!running) {
            return;
        }
        try {
            queue.syncSome(synced);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        if (capture != null) {
            capture.close();
        }
        List.copyOf(streams).forEach(stream -> stream.end("the forwarder died"));
        streams.clear();
        running = false;
    }

    /** The disk as it is, for a restore later. */
    public Object backup() {
        return new Object[] {disk.copy(), files.copy()};
    }

    public void restore(Object backup) {
        crash(0);
        disk = ((MemoryDisk) ((Object[]) backup)[0]).copy();
        files = ((MemoryDumps) ((Object[]) backup)[1]).copy();
    }

    public void loseDisk(int recordsPerSegment) {
        crash(0);
        disk = new MemoryDisk(recordsPerSegment);
        files = new MemoryDumps();
    }

    public void loseIndex() {
        crash(0);
        disk.loseIndex();
    }

    /** Makes the queue durable and tells capture. */
    public boolean sync() throws IOException {
        if (!running || !queue.hasHistory() || queue.unsynced() == 0) {
            return false;
        }
        queue.writer().sync();
        if (capture != null) {
            capture.acknowledge();
        }
        return true;
    }

    public boolean housekeep() throws IOException {
        if (!running) {
            return false;
        }
        long first = queue.hasHistory() ? queue.firstSeq() : 0;
        slaves.flush();
        visibility.flush();
        tableSets.checkpoint();
        retention.run();
        requirements.sendOrders();
        if (queue.hasHistory() && queue.firstSeq() != first) {
            log(() -> "prunes the queue, which begins with " + queue.firstSeq() + " now");
        }
        return true;
    }

    /** Restarts of an index: what nobody stored is lost; values are stored at once here. */
    public boolean flush() throws IOException {
        if (!running) {
            return false;
        }
        slaves.flush();
        visibility.flush();
        return true;
    }

    // Capture.

    public CaptureWelcome whatThereIs() throws IOException {
        return histories.whatThereIs();
    }

    /**
     * A capture connects.
     *
     * @throws ForkedHistoryException when its history is not ours
     */
    public CaptureConnection connect(CaptureHello hello) throws IOException {
        CaptureConnection connection = new CaptureConnection(hello);
        appender.takeOver(connection);
        connection.welcome = histories.welcome(connection, hello);
        link.connected(connection, "model", connection.announced.epoch());
        capture = connection;
        return connection;
    }

    /** One connection of a capture. */
    public final class CaptureConnection implements CaptureLink.Connection {
        private final Position announced;
        private final Deque<ToCapture> messages = new ArrayDeque<>();
        private CaptureWelcome welcome;
        private boolean closed;

        CaptureConnection(CaptureHello hello) {
            announced = WirePositions.fromWire(hello.getTail());
        }

        public CaptureWelcome welcome() {
            return welcome;
        }

        public boolean isClosed() {
            return closed;
        }

        public ToCapture poll() {
            return messages.poll();
        }

        @Override
        public void send(ToCapture message) {
            if (!closed) {
                messages.add(message);
            }
        }

        @Override
        public void supersede() {
            close();
        }

        public void close() {
            if (closed) {
                return;
            }
            closed = true;
            link.disconnected(this, "closed");
            if (capture == this) {
                capture = null;
            }
            try {
                appender.release(this);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        void acknowledge() {
            send(ToCapture.newBuilder()
                    .setAck(CaptureAck.newBuilder()
                            .setDurable(WirePositions.toWire(queue.durableTail()))
                            .setDurableLsn(queue.durableLsn()))
                    .build());
        }

        /** A record arrives. */
        public void record(StoredRecord record) throws IOException {
            try {
                take(record);
            } catch (ForkedHistoryException e) {
                log(() -> "refuses a record: " + e.getMessage());
                close();
            }
        }

        private void take(StoredRecord record) throws IOException {
            RecordHeader header = record.header();
            switch (rules.of(header)) {
                case DROP -> {
                    return;
                }
                case NEW_EPOCH -> newEpoch(rules.baseOf(header));
                case APPEND -> {}
            }
            if (header.kind() == RecordKind.SCHEMA) {
                TableSchema schema = record.schema();
                boolean repeated = header.hasFlag(RecordHeader.FLAG_REPEATED);
                if (!appender.isNews(schema, repeated)) {
                    return;
                }
                append(repeated ? StoredRecord.of(ControlRecords.schema(header.position(), schema, false)) : record);
                slaves.tableSeen(schema);
                dumps.schemaChanged(schema);
                return;
            }
            append(record);
            if (header.kind() == RecordKind.DUMP_MARKER) {
                dumps.marker(ControlRecords.markerText(record.json()));
            }
        }

        private void newEpoch(Position base) throws IOException {
            boolean told = announced.epoch().equals(base.epoch()) && announced.seq() == base.seq();
            histories.newEpoch(this, told ? announced : base);
        }

        private void append(StoredRecord record) throws IOException {
            queue.hint(record);
            appender.append(this, record.header(), record.image());
        }

        public void status(CaptureStatus status) {
            link.report(this, status);
            link.status().ifPresent(last -> visibility.report(last.getVisibleSeq()));
            try {
                requirements.sendOrders();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        public void dumpFailed(String id, boolean retry) throws IOException {
            dumps.failed(id, "it failed at capture", retry);
            log(() -> "dump " + id + " failed at capture" + (retry ? ", it is asked for again" : ""));
        }

        /** A draft arrives; false when the dump is refused. */
        public boolean beginDump(DumpManifest draft) throws IOException {
            try {
                dumps.begin(draft.id(), draft);
                return true;
            } catch (DumpCatalog.DumpRefusedException e) {
                log(() -> "refuses " + draft.id() + ": " + e.getMessage());
                return false;
            }
        }

        public void completeDump(DumpManifest manifest, TableRows rows) throws IOException {
            files.complete(manifest, rows);
            dumps.arrived(manifest.id());
        }
    }

    // Slaves.

    public Subscription subscribe(String name, Subscribe subscribe) throws IOException {
        Slave slave = slaves.find(name).orElseThrow();
        LaneStarts.Decision decision = starts.decide(name, subscribe);
        if (decision.accepted() == null) {
            LaneStart refused = decision.refused();
            log(() -> "refuses lane " + subscribe.getLane() + " of " + name + ": " + refused.getRefusal() + ", "
                    + refused.getDetail());
            return new Subscription(null, refused);
        }
        LaneStreamModel stream = new LaneStreamModel(queue, slave, decision.accepted());
        streams.add(stream);
        slave.open(subscribe.getLane(), stream).ifPresent(Slave.Stream::supersede);
        slave.cursor(subscribe.getLane(), decision.accepted().position());
        return new Subscription(stream, null);
    }

    public RequireDumpsReply requireDumps(String name, RequireDumpsRequest request) throws IOException {
        return requirements.require(slaves.find(name).orElseThrow(), request);
    }

    public Fetched fetch(String name, String id) throws IOException {
        Optional<DumpEntry> entry = dumps.find(id);
        if (entry.isEmpty()
                || entry.get().state == DumpEntry.State.FAILED
                || !slaveFiles.get(name).tables().contains(entry.get().table)) {
            return new Fetched(null, null, false);
        }
        dumps.want(entry.get(), name);
        Optional<DumpManifest> manifest = files.find(id);
        return manifest.map(each -> new Fetched(each, files.rows(id), dumps.isComplete(entry.get())))
                .orElse(new Fetched(null, null, true));
    }

    /** A slave's report, as the control stream takes it. */
    public void report(String name, SlaveReport report) {
        Slave slave = slaves.find(name).orElseThrow();
        new ControlStream(slave, commands, dumps, new ReadyGate<>(new NoObserver<>())).onNext(report);
    }

    /** {@code dump request}: a new dump for the cache. */
    public boolean requestDump(String table) throws IOException {
        if (!running) {
            return false;
        }
        requirements.request(List.of(new TableName("public", table)), null);
        return true;
    }

    public long tailSeq() {
        return running && queue.hasHistory() ? queue.durableTail().seq() : -1;
    }

    /** Requests that are not served yet. */
    public List<String> openDumps() {
        return dumps.list().stream()
                .filter(entry -> entry.state.isOpen())
                .map(entry -> entry.id + " of " + entry.table + " " + entry.state)
                .toList();
    }

    /** Transactions that somebody needs, apart from dumps in the cache. */
    public long held() {
        return queue.durableTail().seq() - retention.holders().get(0).seq();
    }
}
