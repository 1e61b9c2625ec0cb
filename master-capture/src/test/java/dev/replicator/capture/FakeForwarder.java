package dev.replicator.capture;

import dev.replicator.dumps.ChunkEntry;
import dev.replicator.dumps.ChunkReceiver;
import dev.replicator.dumps.DumpManifest;
import dev.replicator.dumps.DumpStore;
import dev.replicator.dumps.StoredDump;
import dev.replicator.queue.Position;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.format.RecordStreamParser;
import dev.replicator.queue.wire.CaptureAck;
import dev.replicator.queue.wire.CaptureHello;
import dev.replicator.queue.wire.CaptureLinkGrpc;
import dev.replicator.queue.wire.CaptureStatus;
import dev.replicator.queue.wire.CaptureWelcome;
import dev.replicator.queue.wire.CommitLogEntry;
import dev.replicator.queue.wire.DumpFailed;
import dev.replicator.queue.wire.DumpUpload;
import dev.replicator.queue.wire.DumpUploadReply;
import dev.replicator.queue.wire.FromCapture;
import dev.replicator.queue.wire.ToCapture;
import dev.replicator.queue.wire.WirePositions;
import dev.replicator.runtime.net.Endpoint;
import dev.replicator.runtime.net.Peer;
import dev.replicator.runtime.net.Servers;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;

/** The forwarder's side of CaptureLink, in memory, on a real socket. */
final class FakeForwarder extends CaptureLinkGrpc.CaptureLinkImplBase implements AutoCloseable {
    final List<RecordHeader> transactions = new ArrayList<>();
    final List<String> markers = new ArrayList<>();
    final List<CaptureHello> hellos = new ArrayList<>();
    final ConcurrentLinkedQueue<DumpFailed> failures = new ConcurrentLinkedQueue<>();
    final DumpStore dumps;
    volatile CaptureStatus status = CaptureStatus.getDefaultInstance();
    volatile boolean acknowledging = true;
    private final Server server;
    private final int port;
    private Position tail;
    private Position base;
    private long sourceLsn;
    private StreamObserver<ToCapture> out;

    FakeForwarder(Path directory) throws IOException {
        dumps = DumpStore.open(directory);
        server = Servers.start(
                new Endpoint("127.0.0.1", 0),
                null,
                token -> token.equals("token") ? Optional.of(new Peer(Peer.Role.CAPTURE, "capture")) : Optional.empty(),
                this);
        port = server.getPort();
    }

    Endpoint address() {
        return new Endpoint("127.0.0.1", port);
    }

    synchronized List<Long> seqs() {
        return transactions.stream().map(RecordHeader::seq).toList();
    }

    synchronized boolean hasMarker(String text) {
        return markers.contains(text);
    }

    /** Sends an order; false while nobody is connected. */
    synchronized boolean send(ToCapture message) {
        if (out == null) {
            return false;
        }
        out.onNext(message);
        return true;
    }

    /** Cuts the connection. */
    synchronized void cut() {
        out.onError(
                io.grpc.Status.UNAVAILABLE.withDescription("cut by the test").asRuntimeException());
        out = null;
    }

    @Override
    public StreamObserver<FromCapture> connect(StreamObserver<ToCapture> answers) {
        RecordStreamParser parser = new RecordStreamParser("capture", new Records());
        return new StreamObserver<>() {
            @Override
            public void onNext(FromCapture message) {
                synchronized (FakeForwarder.this) {
                    received(message, parser, answers);
                }
            }

            @Override
            public void onError(Throwable thrown) {
                forget(answers);
            }

            @Override
            public void onCompleted() {
                forget(answers);
                answers.onCompleted();
            }
        };
    }

    private synchronized void forget(StreamObserver<ToCapture> answers) {
        out = out == answers ? null : out;
    }

    private void received(FromCapture message, RecordStreamParser parser, StreamObserver<ToCapture> answers) {
        switch (message.getMessageCase()) {
            case HELLO -> welcome(message.getHello(), answers);
            case RECORDS -> {
                try {
                    parser.feed(ByteBuffer.wrap(message.getRecords().toByteArray()));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
                if (acknowledging && tail != null) {
                    answers.onNext(ToCapture.newBuilder()
                            .setAck(CaptureAck.newBuilder()
                                    .setDurable(WirePositions.toWire(tail))
                                    .setDurableLsn(sourceLsn))
                            .build());
                }
            }
            case STATUS -> status = message.getStatus();
            case DUMP_FAILED -> failures.add(message.getDumpFailed());
            case MESSAGE_NOT_SET -> throw new AssertionError("empty message");
        }
    }

    private void welcome(CaptureHello hello, StreamObserver<ToCapture> answers) {
        hellos.add(hello);
        out = answers;
        CaptureWelcome.Builder welcome = CaptureWelcome.newBuilder();
        if (tail != null) {
            welcome.setTail(WirePositions.toWire(tail)).setDurableLsn(sourceLsn).setBase(WirePositions.toWire(base));
            if (!hello.hasTail()) {
                transactions.forEach(each -> welcome.addCommitLog(CommitLogEntry.newBuilder()
                        .setSeq(each.seq())
                        .setTransactionId(each.transactionId())
                        .setLsn(each.lsn())
                        .setCommitMicros(each.commitMicros())));
            }
        } else if (hello.hasBase()) {
            tail = WirePositions.fromWire(hello.getBase());
            base = tail;
        }
        answers.onNext(ToCapture.newBuilder().setWelcome(welcome).build());
    }

    private final class Records implements RecordHandler {
        @Override
        public void header(RecordHeader header) {}

        @Override
        public void block(BlockHeader header, ByteBuffer block) throws IOException {
            if (header.fingerprint() == 0) {
                String json = ControlRecords.jsonOf(block);
                if (json.contains("\"marker\"")) {
                    markers.add(ControlRecords.markerText(json));
                }
            }
        }

        @Override
        public void end(RecordHeader header) {
            if (header.isTransaction()) {
                transactions.add(header);
                tail = header.position();
            }
            if (header.isTransaction() || header.kind() == RecordKind.HEARTBEAT) {
                sourceLsn = header.lsn();
            }
        }
    }

    @Override
    public StreamObserver<DumpUpload> uploadDump(StreamObserver<DumpUploadReply> answers) {
        return new StreamObserver<>() {
            private StoredDump dump;
            private ChunkReceiver chunk;

            @Override
            public void onNext(DumpUpload message) {
                try {
                    part(message);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }

            private void part(DumpUpload message) throws IOException {
                switch (message.getMessageCase()) {
                    case BEGIN -> {
                        String id = message.getBegin().getDumpId();
                        dump = dumps.find(id).orElse(null);
                        if (dump == null) {
                            dump = dumps.create(
                                    DumpManifest.fromJson(message.getBegin().getDraftManifest()));
                        }
                        answers.onNext(DumpUploadReply.newBuilder()
                                .addAllChunksHeld(dump.chunkNumbers())
                                .build());
                    }
                    case CHUNK -> chunk =
                            dump.receive(ChunkEntry.fromJson(message.getChunk().getEntry()));
                    case DATA -> chunk.write(ByteBuffer.wrap(message.getData().toByteArray()));
                    case CHUNK_END -> {
                        chunk.finish();
                        chunk.close();
                        answers.onNext(DumpUploadReply.newBuilder()
                                .setChunkStored(chunk.entry().number())
                                .build());
                    }
                    case MANIFEST -> {
                        dump.complete(DumpManifest.fromJson(message.getManifest()));
                        answers.onNext(
                                DumpUploadReply.newBuilder().setComplete(true).build());
                    }
                    case FAILED -> failures.add(message.getFailed());
                    case MESSAGE_NOT_SET -> throw new AssertionError("empty message");
                }
            }

            @Override
            public void onError(Throwable thrown) {}

            @Override
            public void onCompleted() {
                answers.onCompleted();
            }
        };
    }

    @Override
    public void close() throws IOException {
        Servers.stop(server, Duration.ofSeconds(1));
        dumps.close();
    }
}
