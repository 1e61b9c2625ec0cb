package dev.replicator.capture;

import com.google.protobuf.ByteString;
import dev.replicator.dumps.ChunkEntry;
import dev.replicator.dumps.DumpManifest;
import dev.replicator.dumps.DumpState;
import dev.replicator.dumps.StoredDump;
import dev.replicator.queue.wire.DumpChunkStart;
import dev.replicator.queue.wire.DumpUpload.Builder;
import dev.replicator.queue.wire.DumpUploadBegin;
import dev.replicator.queue.wire.DumpUploadReply;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * One attempt to send a dump, while it is still being read or afterwards; chunks that the forwarder has are passed over.
 * {@link #run} is called by one thread.
 */
final class DumpUpload implements ClientResponseObserver<dev.replicator.queue.wire.DumpUpload, DumpUploadReply> {
    private static final int PIECE_BYTES = 256 << 10;
    private static final Duration CHANGE_WAIT = Duration.ofMillis(500);
    private static final long ANSWER_SECONDS = 60;
    private static final long READY_WAIT_MILLIS = 100;

    private final StoredDump dump;
    private ClientCallStreamObserver<dev.replicator.queue.wire.DumpUpload> call;
    private Set<Integer> held;
    private boolean complete;
    private boolean ended;
    private Throwable failure;

    DumpUpload(StoredDump dump) {
        this.dump = dump;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<dev.replicator.queue.wire.DumpUpload> stream) {
        call = stream;
        stream.setOnReadyHandler(this::wake);
    }

    @Override
    public synchronized void onNext(DumpUploadReply reply) {
        if (held == null) {
            held = new HashSet<>(reply.getChunksHeldList());
        }
        complete |= reply.getComplete();
        notifyAll();
    }

    @Override
    public synchronized void onError(Throwable thrown) {
        failure = thrown;
        ended = true;
        notifyAll();
    }

    @Override
    public synchronized void onCompleted() {
        ended = true;
        notifyAll();
    }

    private synchronized void wake() {
        notifyAll();
    }

    /**
     * Sends everything; returns when the forwarder has the dump durably, or when the dump has failed and the forwarder
     * knows.
     *
     * @throws IOException when the connection failed: try again
     */
    void run(ForwarderClient client) throws IOException, InterruptedException {
        boolean done = false;
        try {
            client.stub().uploadDump(this);
            send(message()
                    .setBegin(DumpUploadBegin.newBuilder()
                            .setDumpId(dump.id())
                            .setDraftManifest(draft(dump.manifest()).toJson())));
            sendChunks(awaitHeld());
            finish();
            done = true;
        } finally {
            if (!done) {
                call.cancel("the upload was given up", null);
            }
        }
    }

    private void sendChunks(Set<Integer> alreadyHeld) throws IOException, InterruptedException {
        Set<Integer> sent = new HashSet<>(alreadyHeld);
        while (true) {
            // Asked before the chunks: what comes between is found in the next round.
            boolean running = dump.state() == DumpState.RUNNING;
            List<ChunkEntry> chunks = dump.chunks();
            for (ChunkEntry chunk : chunks) {
                if (sent.add(chunk.number())) {
                    sendChunk(chunk);
                }
            }
            if (!running) {
                return;
            }
            dump.awaitChange(chunks.size(), CHANGE_WAIT);
            throwIfEnded();
        }
    }

    private void sendChunk(ChunkEntry chunk) throws IOException, InterruptedException {
        send(message()
                .setChunk(DumpChunkStart.newBuilder().setNumber(chunk.number()).setEntry(chunk.toJson())));
        try (InputStream in = dump.openStored(chunk.number())) {
            byte[] piece = in.readNBytes(PIECE_BYTES);
            while (piece.length > 0) {
                send(message().setData(ByteString.copyFrom(piece)));
                piece = in.readNBytes(PIECE_BYTES);
            }
        }
        send(message().setChunkEnd(true));
    }

    private void finish() throws IOException, InterruptedException {
        DumpManifest manifest = dump.manifest();
        if (manifest.state() == DumpState.FAILED) {
            send(message()
                    .setFailed(dev.replicator.queue.wire.DumpFailed.newBuilder()
                            .setDumpId(dump.id())
                            .setReason(String.valueOf(manifest.error()))
                            .setRetry(manifest.retry())));
            call.onCompleted();
            awaitEnd();
            return;
        }
        send(message().setManifest(manifest.toJson()));
        call.onCompleted();
        awaitComplete();
    }

    private static Builder message() {
        return dev.replicator.queue.wire.DumpUpload.newBuilder();
    }

    private void send(Builder message) throws IOException, InterruptedException {
        synchronized (this) {
            throwIfEnded();
            while (!call.isReady()) {
                wait(READY_WAIT_MILLIS);
                throwIfEnded();
            }
        }
        call.onNext(message.build());
    }

    private synchronized Set<Integer> awaitHeld() throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(ANSWER_SECONDS);
        while (held == null) {
            throwIfEnded();
            waitUntil(deadline);
        }
        return held;
    }

    private synchronized void awaitComplete() throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(ANSWER_SECONDS);
        while (!complete) {
            throwIfEnded();
            waitUntil(deadline);
        }
    }

    private synchronized void awaitEnd() throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(ANSWER_SECONDS);
        while (!ended) {
            waitUntil(deadline);
        }
    }

    private void waitUntil(long deadline) throws IOException, InterruptedException {
        long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
        if (left <= 0) {
            throw new IOException("the forwarder did not answer within " + ANSWER_SECONDS + " s");
        }
        wait(left);
    }

    private synchronized void throwIfEnded() throws IOException {
        if (failure != null) {
            throw new IOException(failure.getMessage(), failure);
        }
        if (ended && !complete) {
            throw new IOException("the forwarder ended the upload");
        }
    }

    /** The manifest as it was when the dump began. */
    static DumpManifest draft(DumpManifest manifest) {
        if (manifest.state() == DumpState.RUNNING) {
            return manifest;
        }
        return new DumpManifest(
                manifest.format(),
                manifest.id(),
                manifest.group(),
                manifest.cluster(),
                manifest.epoch(),
                manifest.schema(),
                manifest.columns(),
                DumpState.RUNNING,
                manifest.boundary(),
                manifest.snapshot(),
                manifest.createdAt(),
                manifest.definition(),
                0,
                0,
                0,
                List.of(),
                null,
                false);
    }
}
