package dev.replicator.it.rules;

import dev.replicator.embedded.Await;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordStreamParser;
import dev.replicator.queue.wire.DumpPart;
import dev.replicator.queue.wire.FetchDumpRequest;
import dev.replicator.queue.wire.FromLane;
import dev.replicator.queue.wire.RequireDumpsReply;
import dev.replicator.queue.wire.RequireDumpsRequest;
import dev.replicator.queue.wire.SlaveLinkGrpc;
import dev.replicator.queue.wire.Subscribe;
import dev.replicator.queue.wire.ToLane;
import dev.replicator.queue.wire.WirePosition;
import dev.replicator.runtime.config.Secret;
import dev.replicator.runtime.net.Channels;
import dev.replicator.runtime.net.Endpoint;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** A slave that asks for everything, with a slave's own token: what it gets, unpacked. */
final class Spy implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final ManagedChannel channel;
    private final String slave;
    private final List<ToLane> messages = new CopyOnWriteArrayList<>();
    private final StringBuffer text = new StringBuffer();
    private final Set<Integer> tableIds = new TreeSet<>();
    private volatile Status ended;

    Spy(String address, String slave, String token) {
        this.channel = Channels.open(Endpoint.parse(address), new Secret(token), null);
        this.slave = slave;
    }

    /** Reads the whole queue from its beginning, asking for the given tables, until it has passed a transaction. */
    Spy readEverything(WirePosition start, long through, List<String> tables) {
        RecordStreamParser parser = new RecordStreamParser("spy", new Unpacker());
        StreamObserver<FromLane> up = SlaveLinkGrpc.newStub(channel).subscribe(new StreamObserver<>() {
            @Override
            public void onNext(ToLane message) {
                messages.add(message);
                if (message.hasRecords()) {
                    feed(parser, message.getRecords().asReadOnlyByteBuffer());
                }
            }

            @Override
            public void onError(Throwable error) {
                ended = Status.fromThrowable(error);
            }

            @Override
            public void onCompleted() {
                ended = Status.OK;
            }
        });
        up.onNext(FromLane.newBuilder()
                .setSubscribe(Subscribe.newBuilder()
                        .setCluster("shop")
                        .setSlave(slave)
                        .setLane("spy")
                        .setPosition(start)
                        .addAllTables(tables))
                .build());
        Await.until(
                "the spy has read up to " + through,
                PATIENCE,
                () -> messages.stream()
                        .anyMatch(
                                message -> message.getWatermark().getPosition().getSeq() >= through),
                () -> ended + " " + messages.size());
        return this;
    }

    private static void feed(RecordStreamParser parser, ByteBuffer bytes) {
        try {
            parser.feed(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    RequireDumpsReply require(String table) {
        return SlaveLinkGrpc.newBlockingStub(channel)
                .requireDumps(RequireDumpsRequest.newBuilder()
                        .setSlave(slave)
                        .addTables(table)
                        .build());
    }

    /**
     * Everything a dump's stream says.
     *
     * @param received gets each part as it comes, also before a refusal
     */
    void fetch(String dumpId, Consumer<DumpPart> received) {
        Iterator<DumpPart> parts = SlaveLinkGrpc.newBlockingStub(channel)
                .fetchDump(FetchDumpRequest.newBuilder()
                        .setSlave(slave)
                        .setDumpId(dumpId)
                        .build());
        parts.forEachRemaining(received);
    }

    /** Rows, schemas, markers and control messages as text. */
    String text() {
        StringBuilder all = new StringBuilder(text);
        messages.stream().filter(message -> !message.hasRecords()).forEach(all::append);
        return all.toString();
    }

    /** Tables whose blocks or shares came. */
    Set<Integer> tableIds() {
        return tableIds;
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }

    private final class Unpacker implements RecordHandler {
        @Override
        public void header(RecordHeader header) {
            header.tables().forEach(share -> tableIds.add(share.tableId()));
        }

        @Override
        public void block(BlockHeader header, ByteBuffer block) throws IOException {
            tableIds.add(header.tableId());
            ByteBuffer payload = dev.replicator.queue.format.Blocks.payload(header, block);
            text.append(StandardCharsets.ISO_8859_1.decode(payload));
        }

        @Override
        public void end(RecordHeader header) {
            // The header told all there is.
        }
    }
}
