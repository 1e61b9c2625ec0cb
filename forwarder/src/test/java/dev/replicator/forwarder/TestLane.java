package dev.replicator.forwarder;

import dev.replicator.queue.Position;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.format.RecordStreamParser;
import dev.replicator.queue.wire.FromLane;
import dev.replicator.queue.wire.LaneAck;
import dev.replicator.queue.wire.LaneStart;
import dev.replicator.queue.wire.SlaveLinkGrpc;
import dev.replicator.queue.wire.Subscribe;
import dev.replicator.queue.wire.TableSet;
import dev.replicator.queue.wire.ToLane;
import dev.replicator.queue.wire.Watermark;
import dev.replicator.queue.wire.WirePositions;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;

/** One lane's subscription: collects and parses what arrives. */
final class TestLane implements AutoCloseable {
    private final List<ToLane> received = new CopyOnWriteArrayList<>();
    private final Queue<RecordHeader> headers = new ConcurrentLinkedQueue<>();
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final StreamObserver<FromLane> up;
    private volatile Status ended;
    private volatile long blockBytes;

    /**
     * @param position null for a new slave
     * @param markers that boundaries wait for
     */
    TestLane(Channel channel, String slave, String lane, Position position, List<String> markers, String... tables) {
        RecordStreamParser parser = new RecordStreamParser("forwarder", new Collector());
        up = SlaveLinkGrpc.newStub(channel).subscribe(new StreamObserver<>() {
            @Override
            public void onNext(ToLane message) {
                if (message.hasRecords()) {
                    parse(parser, message);
                }
                received.add(message);
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
        Subscribe.Builder subscribe = Subscribe.newBuilder()
                .setCluster("shop")
                .setSlave(slave)
                .setLane(lane)
                .addAllAwaitedMarkers(markers);
        if (position != null) {
            subscribe.setPosition(WirePositions.toWire(position));
        }
        for (String table : tables) {
            subscribe.addTables(table);
        }
        up.onNext(FromLane.newBuilder().setSubscribe(subscribe).build());
    }

    /** @param position null for a new slave */
    TestLane(Channel channel, String slave, String lane, Position position, String... tables) {
        this(channel, slave, lane, position, List.of(), tables);
    }

    private synchronized void parse(RecordStreamParser parser, ToLane message) {
        try {
            message.getRecords().writeTo(bytes);
            parser.feed(message.getRecords().asReadOnlyByteBuffer());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private final class Collector implements RecordHandler {
        @Override
        public void header(RecordHeader header) {
            // Noted when it is complete.
        }

        @Override
        public void block(BlockHeader header, ByteBuffer block) {
            blockBytes += block.remaining();
        }

        @Override
        public void end(RecordHeader header) {
            headers.add(header);
        }
    }

    LaneStart start() throws Exception {
        Await.until("lane start", () -> received.stream().anyMatch(ToLane::hasStart) || ended != null, () -> ended);
        return received.stream()
                .filter(ToLane::hasStart)
                .findFirst()
                .orElseThrow(() -> new AssertionError("refused: " + ended))
                .getStart();
    }

    void acknowledge(Position position) {
        up.onNext(FromLane.newBuilder()
                .setAck(LaneAck.newBuilder().setApplied(WirePositions.toWire(position)))
                .build());
    }

    List<RecordHeader> transactions() {
        return headers.stream().filter(RecordHeader::isTransaction).toList();
    }

    List<RecordHeader> records(RecordKind kind) {
        return headers.stream().filter(header -> header.kind() == kind).toList();
    }

    RecordHeader awaitTransaction(long seq) throws Exception {
        Await.until(
                "transaction " + seq,
                () -> transactions().stream().anyMatch(header -> header.seq() == seq),
                () -> headers + " " + ended);
        return transactions().stream()
                .filter(header -> header.seq() == seq)
                .findFirst()
                .orElseThrow();
    }

    Watermark awaitWatermark(long seq) throws Exception {
        Await.until(
                "watermark " + seq,
                () -> watermarks().stream().anyMatch(mark -> mark.getPosition().getSeq() >= seq),
                () -> received + " " + ended);
        return watermarks().stream()
                .filter(mark -> mark.getPosition().getSeq() >= seq)
                .findFirst()
                .orElseThrow();
    }

    private List<Watermark> watermarks() {
        return received.stream()
                .filter(ToLane::hasWatermark)
                .map(ToLane::getWatermark)
                .toList();
    }

    /** LSN of the newest watermark; 0 without one. */
    long lastLsn() {
        List<Watermark> marks = watermarks();
        return marks.isEmpty() ? 0 : marks.get(marks.size() - 1).getLsn();
    }

    TableSet awaitTableSet(int count) throws Exception {
        Await.until("table set " + count, () -> tableSets().size() >= count, () -> received + " " + ended);
        return tableSets().get(count - 1);
    }

    List<TableSet> tableSets() {
        return received.stream()
                .filter(ToLane::hasTableSet)
                .map(ToLane::getTableSet)
                .toList();
    }

    Status awaitEnd() throws Exception {
        Await.until("the lane's end", () -> ended != null, () -> received);
        return ended;
    }

    /** Whether the text is anywhere in the bytes received. */
    synchronized boolean contains(String text) {
        return bytes.toString(StandardCharsets.ISO_8859_1).contains(text);
    }

    long blockBytes() {
        return blockBytes;
    }

    @Override
    public void close() {
        up.onError(Status.CANCELLED.asRuntimeException());
    }
}
