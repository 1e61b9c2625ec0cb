package dev.replicator.forwarder;

import com.google.protobuf.ByteString;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.wire.CaptureHello;
import dev.replicator.queue.wire.CaptureLinkGrpc;
import dev.replicator.queue.wire.CaptureStatus;
import dev.replicator.queue.wire.CaptureWelcome;
import dev.replicator.queue.wire.CapturedTable;
import dev.replicator.queue.wire.DumpOrder;
import dev.replicator.queue.wire.FromCapture;
import dev.replicator.queue.wire.ToCapture;
import dev.replicator.queue.wire.WirePositions;
import dev.replicator.runtime.config.Secret;
import dev.replicator.runtime.net.Channels;
import dev.replicator.runtime.net.Endpoint;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/** Acts as the capture daemon over a real connection. */
final class TestCapture implements AutoCloseable {
    private final ManagedChannel channel;
    private final List<ToCapture> received = new CopyOnWriteArrayList<>();
    private final StreamObserver<FromCapture> up;
    private volatile Status ended;

    TestCapture(int port, String token) {
        channel = Channels.open(new Endpoint("127.0.0.1", port), new Secret(token), null);
        up = CaptureLinkGrpc.newStub(channel).connect(new StreamObserver<>() {
            @Override
            public void onNext(ToCapture message) {
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
    }

    ManagedChannel channel() {
        return channel;
    }

    TestCapture hello(Position base, Position tail) {
        CaptureHello.Builder hello =
                CaptureHello.newBuilder().setCluster("shop").setSystemIdentifier("4711");
        if (base != null) {
            hello.setBase(WirePositions.toWire(base)).setTail(WirePositions.toWire(tail));
        }
        up.onNext(FromCapture.newBuilder().setHello(hello).build());
        return this;
    }

    CaptureWelcome welcome() throws Exception {
        Await.until(
                "welcome",
                () -> ended != null || message(ToCapture.MessageCase.WELCOME).isPresent());
        return message(ToCapture.MessageCase.WELCOME)
                .orElseThrow(() -> new AssertionError("refused: " + ended))
                .getWelcome();
    }

    TestCapture status(long visibleSeq, TableSchema... tables) {
        CaptureStatus.Builder status = CaptureStatus.newBuilder()
                .setMasterConnected(true)
                .setState("streaming")
                .setCapturedLsn(0x16B3748)
                .setSafeWalBytes(-1)
                .setVisibleSeq(visibleSeq);
        for (TableSchema table : tables) {
            status.addTables(CapturedTable.newBuilder()
                    .setTable(table.name().toString())
                    .setTableId(table.tableId())
                    .setIncarnation(table.incarnation()));
        }
        up.onNext(FromCapture.newBuilder().setStatus(status).build());
        return this;
    }

    void send(ByteBuffer... records) {
        for (ByteBuffer record : records) {
            up.onNext(FromCapture.newBuilder()
                    .setRecords(ByteString.copyFrom(record))
                    .build());
        }
    }

    /** Sends one record in slices of a size. */
    void sendSliced(ByteBuffer record, int bytes) {
        while (record.hasRemaining()) {
            ByteBuffer slice = record.slice().limit(Math.min(bytes, record.remaining()));
            up.onNext(FromCapture.newBuilder()
                    .setRecords(ByteString.copyFrom(slice.duplicate()))
                    .build());
            record.position(record.position() + slice.limit());
        }
    }

    void fromCapture(FromCapture message) {
        up.onNext(message);
    }

    void awaitAck(Position position) throws Exception {
        Await.until(
                "acknowledgement of " + position,
                () -> received.stream()
                        .anyMatch(message -> message.hasAck()
                                && Positions.fromWire(message.getAck().getDurable())
                                        .equals(position)),
                () -> received + " " + ended);
    }

    Status awaitEnd() throws Exception {
        Await.until("the connection's end", () -> ended != null, () -> received);
        return ended;
    }

    boolean isEnded() {
        return ended != null;
    }

    DumpOrder awaitOrder(int count) throws Exception {
        Await.until("dump order " + count, () -> orders().size() >= count, () -> received);
        return orders().get(count - 1);
    }

    List<DumpOrder> orders() {
        return received.stream()
                .filter(ToCapture::hasDump)
                .map(ToCapture::getDump)
                .toList();
    }

    String awaitMarkerOrder() throws Exception {
        Await.until("marker order", () -> message(ToCapture.MessageCase.MARKER).isPresent());
        ToCapture order = message(ToCapture.MessageCase.MARKER).orElseThrow();
        received.remove(order);
        return order.getMarker().getMarker();
    }

    private Optional<ToCapture> message(ToCapture.MessageCase kind) {
        return received.stream()
                .filter(message -> message.getMessageCase() == kind)
                .findFirst();
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }
}
