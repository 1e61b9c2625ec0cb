package dev.replicator.slave;

import com.google.protobuf.ByteString;
import dev.replicator.dumps.ChunkEntry;
import dev.replicator.dumps.DumpState;
import dev.replicator.dumps.StoredDump;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.store.ForkedHistoryException;
import dev.replicator.queue.store.PositionAheadException;
import dev.replicator.queue.store.PositionPrunedException;
import dev.replicator.queue.store.QueueReader;
import dev.replicator.queue.wire.DumpChunkStart;
import dev.replicator.queue.wire.DumpPart;
import dev.replicator.queue.wire.FetchDumpRequest;
import dev.replicator.queue.wire.FromLane;
import dev.replicator.queue.wire.GrantedTable;
import dev.replicator.queue.wire.LaneStart;
import dev.replicator.queue.wire.RequireDumpsReply;
import dev.replicator.queue.wire.RequireDumpsRequest;
import dev.replicator.queue.wire.RequiredDump;
import dev.replicator.queue.wire.SlaveCommand;
import dev.replicator.queue.wire.SlaveLinkGrpc;
import dev.replicator.queue.wire.SlaveReport;
import dev.replicator.queue.wire.Subscribe;
import dev.replicator.queue.wire.TableSet;
import dev.replicator.queue.wire.ToLane;
import dev.replicator.queue.wire.Watermark;
import dev.replicator.queue.wire.WirePositions;
import dev.replicator.runtime.net.Endpoint;
import dev.replicator.runtime.net.Peer;
import dev.replicator.runtime.net.Servers;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** The slave's side of a forwarder over a {@link FakeMaster}: serves one slave, and tells the test what it saw. */
final class FakeForwarder extends SlaveLinkGrpc.SlaveLinkImplBase implements AutoCloseable {
    private static final int SLICE = 4000;

    private final FakeMaster master;
    private final Server server;
    private final ExecutorService senders = Executors.newCachedThreadPool();
    private final Map<String, Integer> laneNumbers = new ConcurrentHashMap<>();
    private final List<StreamObserver<SlaveCommand>> controls = new CopyOnWriteArrayList<>();
    private final Map<String, SlaveCommand> commands = new ConcurrentHashMap<>();
    private final AtomicInteger commandNumber = new AtomicInteger();
    final Map<String, Position> acknowledged = new ConcurrentHashMap<>();
    final Map<String, String> chosenDumps = new ConcurrentHashMap<>();
    final Set<String> withheldLanes = ConcurrentHashMap.newKeySet();
    final AtomicInteger dumpsRequired = new AtomicInteger();
    volatile String refusal = "";
    volatile SlaveReport lastReport = SlaveReport.getDefaultInstance();
    private volatile TableSelection selection = new TableSelection(List.of(), List.of());
    private volatile long selectionSeq;
    private volatile int selectionVersion;
    private volatile boolean closed;

    FakeForwarder(FakeMaster master, int port) {
        this.master = master;
        this.server = Servers.start(
                new Endpoint("127.0.0.1", port),
                null,
                token -> Optional.of(new Peer(Peer.Role.SLAVE, "reporting")),
                this);
    }

    int port() {
        return server.getPort();
    }

    void select(String... tables) {
        selection = new TableSelection(List.of(tables), List.of());
        selectionSeq = master.tail().seq();
        selectionVersion++;
    }

    /** The queue was lost: the set in force lies before the place that slaves have noted. */
    void selectFromTheBeginning(String... tables) {
        select(tables);
        selectionSeq = 0;
    }

    /** Sends a command until the slave says that it is done; returns its id. */
    String command(String action, List<String> tables, long seq, List<String> dumpIds) {
        String id = "c-" + commandNumber.incrementAndGet();
        SlaveCommand command = SlaveCommand.newBuilder()
                .setId(id)
                .setAction(action)
                .addAllTables(tables)
                .setSeq(seq)
                .addAllDumpIds(dumpIds)
                .build();
        commands.put(id, command);
        for (StreamObserver<SlaveCommand> control : controls) {
            synchronized (control) {
                control.onNext(command);
            }
        }
        return id;
    }

    // ----------------------------------------------------------------------------------------------------- lanes

    @Override
    public StreamObserver<FromLane> subscribe(StreamObserver<ToLane> out) {
        return new StreamObserver<>() {
            private String lane = "";

            @Override
            public void onNext(FromLane message) {
                if (message.hasSubscribe()) {
                    lane = message.getSubscribe().getLane();
                    int number = laneNumbers.merge(lane, 1, Integer::sum);
                    Lane sender = new Lane(message.getSubscribe(), number, (ServerCallStreamObserver<ToLane>) out);
                    senders.execute(sender);
                } else {
                    acknowledged.put(
                            lane, WirePositions.fromWire(message.getAck().getApplied()));
                }
            }

            @Override
            public void onError(Throwable error) {
                laneNumbers.merge(lane, 1, Integer::sum);
            }

            @Override
            public void onCompleted() {
                laneNumbers.merge(lane, 1, Integer::sum);
            }
        };
    }

    /** Breaks all lane streams, as a lost network does. */
    void breakLanes() {
        laneNumbers.replaceAll((lane, number) -> number + 1);
    }

    private final class Lane implements Runnable {
        private final Subscribe subscribe;
        private final int number;
        private final ServerCallStreamObserver<ToLane> out;
        private int toldVersion;
        private Position last;

        Lane(Subscribe subscribe, int number, ServerCallStreamObserver<ToLane> out) {
            this.subscribe = subscribe;
            this.number = number;
            this.out = out;
        }

        @Override
        public void run() {
            try {
                serve();
            } catch (PositionPrunedException e) {
                refuse("needs-resync", e);
            } catch (ForkedHistoryException e) {
                refuse("forked", e);
            } catch (PositionAheadException e) {
                refuse("not-yet", e);
            } catch (IOException | RuntimeException e) {
                end(Status.UNAVAILABLE.withDescription(e.toString()));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                end(Status.UNAVAILABLE);
            }
        }

        private void refuse(String reason, Exception e) {
            out.onNext(ToLane.newBuilder()
                    .setStart(LaneStart.newBuilder().setRefusal(reason).setDetail(String.valueOf(e.getMessage())))
                    .build());
            out.onCompleted();
        }

        private void end(Status status) {
            if (!out.isCancelled()) {
                out.onError(status.asRuntimeException());
            }
        }

        private void serve() throws IOException, InterruptedException {
            if (!refusal.isEmpty() && subscribe.hasPosition()) {
                refuse(refusal, new IOException("told by the test"));
                return;
            }
            Position from = master.tail();
            if (subscribe.hasPosition()) {
                from = resolve(WirePositions.fromWire(subscribe.getPosition()));
                if (!from.epoch().equals(master.epoch())) {
                    refuse("new-epoch", new IOException("epoch"));
                    return;
                }
            }
            last = from;
            try (QueueReader reader = master.queue.readAfter(from)) {
                toldVersion = selectionVersion;
                out.onNext(ToLane.newBuilder()
                        .setStart(LaneStart.newBuilder()
                                .setPosition(WirePositions.toWire(from))
                                .setTableSet(tableSet().toBuilder().setNewest(true)))
                        .build());
                for (TableSchema schema : master.schemas().values()) {
                    send(ControlRecords.schema(from, schema, true));
                }
                stream(reader);
            }
        }

        private Position resolve(Position sent) throws IOException {
            if (sent.lsn() != 0) {
                return sent;
            }
            Position tail = master.tail();
            return tail.seq() == sent.seq()
                    ? tail
                    : master.queue.positionOf(sent.seq()).orElse(sent);
        }

        private void stream(QueueReader reader) throws IOException, InterruptedException {
            Set<String> tables = new HashSet<>(subscribe.getTablesList());
            Position told = null;
            while (isCurrent()) {
                long lsn = master.queue.durableLsn();
                long records = master.queue.durableRecords();
                RecordHeader header = withheldLanes.contains(subscribe.getLane()) ? null : reader.next(ids(tables));
                if (header == null) {
                    if (toldVersion != selectionVersion && !withheldLanes.contains(subscribe.getLane())) {
                        toldVersion = selectionVersion;
                        out.onNext(ToLane.newBuilder().setTableSet(tableSet()).build());
                    }
                    Position passed = positionOf(Math.max(reader.passedSeq(), last.seq()));
                    if (!passed.equals(told) && !withheldLanes.contains(subscribe.getLane())) {
                        told = passed;
                        out.onNext(ToLane.newBuilder()
                                .setWatermark(Watermark.newBuilder().setPosition(WirePositions.toWire(passed)))
                                .build());
                    }
                    master.queue.awaitProgress(lsn, records, Duration.ofMillis(20));
                } else {
                    record(reader, tables);
                    if (header.isTransaction()) {
                        last = header.position();
                    }
                }
            }
            end(Status.UNAVAILABLE.withDescription("the test broke the stream"));
        }

        private Position positionOf(long seq) throws IOException {
            if (seq == last.seq()) {
                return last;
            }
            Position tail = master.tail();
            return tail.seq() == seq ? tail : master.queue.positionOf(seq).orElse(last);
        }

        private Set<Integer> ids(Set<String> tables) {
            Set<Integer> ids = new HashSet<>();
            master.schemas().forEach((name, schema) -> {
                if (tables.contains(name.toString())) {
                    ids.add(schema.tableId());
                }
            });
            return ids;
        }

        /** Everything of a record, also other tables' blocks: a slave must cope with more than it asked for. */
        private void record(QueueReader reader, Set<String> tables) throws IOException {
            reader.blocks(null, new RecordHandler() {
                @Override
                public void header(RecordHeader header) throws IOException {
                    send(header.encode());
                }

                @Override
                public void block(BlockHeader header, ByteBuffer block) throws IOException {
                    send(block);
                }

                @Override
                public void end(RecordHeader header) {
                    // The header told the length.
                }
            });
        }

        private void send(ByteBuffer bytes) throws IOException {
            ByteBuffer rest = bytes.duplicate();
            while (rest.hasRemaining()) {
                ByteBuffer slice = rest.slice(rest.position(), Math.min(SLICE, rest.remaining()));
                rest.position(rest.position() + slice.remaining());
                awaitReady();
                out.onNext(ToLane.newBuilder()
                        .setRecords(ByteString.copyFrom(slice))
                        .build());
            }
        }

        private void awaitReady() throws IOException {
            while (!out.isReady()) {
                if (!isCurrent()) {
                    throw new IOException("stream broken");
                }
                Thread.onSpinWait();
            }
        }

        private boolean isCurrent() {
            return !closed && !out.isCancelled() && laneNumbers.get(subscribe.getLane()) == number;
        }

        private TableSet tableSet() {
            TableSet.Builder set = TableSet.newBuilder()
                    .setAtSeq(selectionSeq)
                    .addAllTables(selection.tables())
                    .addAllExclude(selection.exclude());
            new TreeMap<>(master.schemas()).forEach((name, schema) -> {
                if (selection.contains(name)) {
                    set.addResolved(GrantedTable.newBuilder()
                            .setTable(name.toString())
                            .setTableId(schema.tableId())
                            .setIncarnation(schema.incarnation()));
                }
            });
            return set.build();
        }
    }

    // --------------------------------------------------------------------------------------------------- control

    @Override
    public StreamObserver<SlaveReport> control(StreamObserver<SlaveCommand> out) {
        controls.add(out);
        synchronized (out) {
            commands.values().forEach(out::onNext);
        }
        return new StreamObserver<>() {
            @Override
            public void onNext(SlaveReport report) {
                lastReport = report;
                report.getDoneCommandsList().forEach(commands::remove);
                report.getFailedCommandsList().forEach(failure -> commands.remove(failure.getId()));
            }

            @Override
            public void onError(Throwable error) {
                controls.remove(out);
            }

            @Override
            public void onCompleted() {
                controls.remove(out);
            }
        };
    }

    /** Sends a re-sync of the first command's kind once more, as a forwarder does that did not hear of its end. */
    void repeat(String id) {
        commands.put(
                id,
                SlaveCommand.newBuilder()
                        .setId(id)
                        .setAction("resync")
                        .addTables("public.orders")
                        .build());
    }

    boolean isDone(String command) {
        return lastReport.getDoneCommandsList().contains(command);
    }

    // ----------------------------------------------------------------------------------------------------- dumps

    @Override
    public void requireDumps(RequireDumpsRequest request, StreamObserver<RequireDumpsReply> out) {
        RequireDumpsReply.Builder reply = RequireDumpsReply.newBuilder();
        for (int i = 0; i < request.getTablesCount(); i++) {
            String table = request.getTables(i);
            RequiredDump.Builder dump = RequiredDump.newBuilder().setTable(table);
            try {
                Optional<String> id = id(request, table);
                id.ifPresentOrElse(
                        known -> dump.setDumpId(known).setState("complete"),
                        () -> dump.setReason("the master has no such table"));
            } catch (IOException e) {
                dump.setReason(e.toString());
            }
            reply.addDumps(dump);
        }
        out.onNext(reply.build());
        out.onCompleted();
    }

    private synchronized Optional<String> id(RequireDumpsRequest request, String table) throws IOException {
        for (String id : request.getOnlyIdsList()) {
            if (master.dumps
                    .find(id)
                    .orElseThrow()
                    .manifest()
                    .table()
                    .toString()
                    .equals(table)) {
                return Optional.of(id);
            }
        }
        String chosen = chosenDumps.remove(table);
        if (chosen != null) {
            return Optional.of(chosen);
        }
        if (master.schemaOf(TableName.parse(table)) == null) {
            return Optional.empty();
        }
        dumpsRequired.incrementAndGet();
        synchronized (master) {
            return Optional.of(master.dump(TableName.parse(table)));
        }
    }

    @Override
    public void fetchDump(FetchDumpRequest request, StreamObserver<DumpPart> out) {
        senders.execute(() -> {
            try {
                fetch(request, (ServerCallStreamObserver<DumpPart>) out);
            } catch (IOException | InterruptedException | RuntimeException e) {
                out.onError(Status.UNAVAILABLE.withDescription(e.toString()).asRuntimeException());
            }
        });
    }

    private void fetch(FetchDumpRequest request, ServerCallStreamObserver<DumpPart> out)
            throws IOException, InterruptedException {
        Optional<StoredDump> found = master.dumps.find(request.getDumpId());
        if (found.isEmpty()) {
            out.onNext(DumpPart.newBuilder().setFailed("the dump is gone").build());
            out.onCompleted();
            return;
        }
        StoredDump dump = found.get();
        Set<Integer> sent = new HashSet<>(request.getChunksHeldList());
        out.onNext(
                DumpPart.newBuilder().setDraftManifest(dump.manifest().toJson()).build());
        while (!closed && !out.isCancelled()) {
            boolean complete = dump.state() == DumpState.COMPLETE;
            List<ChunkEntry> chunks = dump.chunks();
            for (ChunkEntry chunk : chunks) {
                if (sent.add(chunk.number())) {
                    send(dump, chunk, out);
                }
            }
            if (complete) {
                out.onNext(DumpPart.newBuilder()
                        .setManifest(dump.manifest().toJson())
                        .build());
                out.onCompleted();
                return;
            }
            if (dump.state() == DumpState.FAILED || master.dumps.find(dump.id()).isEmpty()) {
                out.onNext(DumpPart.newBuilder().setFailed("it failed").build());
                out.onCompleted();
                return;
            }
            dump.awaitChange(chunks.size(), Duration.ofMillis(20));
        }
    }

    private static void send(StoredDump dump, ChunkEntry chunk, StreamObserver<DumpPart> out) throws IOException {
        out.onNext(DumpPart.newBuilder()
                .setChunk(DumpChunkStart.newBuilder().setNumber(chunk.number()).setEntry(chunk.toJson()))
                .build());
        try (InputStream in = dump.openStored(chunk.number())) {
            out.onNext(DumpPart.newBuilder()
                    .setData(ByteString.copyFrom(in.readAllBytes()))
                    .build());
        }
        out.onNext(DumpPart.newBuilder().setChunkEnd(true).build());
    }

    @Override
    public void close() {
        closed = true;
        Servers.stop(server, Duration.ofMillis(100));
        senders.shutdownNow();
    }
}
