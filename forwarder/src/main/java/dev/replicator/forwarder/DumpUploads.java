package dev.replicator.forwarder;

import dev.replicator.dumps.ChunkEntry;
import dev.replicator.dumps.ChunkReceiver;
import dev.replicator.dumps.DumpManifest;
import dev.replicator.dumps.StoredDump;
import dev.replicator.queue.wire.DumpUpload;
import dev.replicator.queue.wire.DumpUploadReply;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Receives one dump from capture: chunks, then the manifest. One per call; gRPC delivers its messages in order. */
final class DumpUploads implements StreamObserver<DumpUpload> {
    private static final Logger LOG = LoggerFactory.getLogger(DumpUploads.class);

    private final DumpCatalog catalog;
    private final StreamObserver<DumpUploadReply> capture;
    private StoredDump dump;
    private ChunkReceiver receiver;
    private boolean ended;

    DumpUploads(DumpCatalog catalog, StreamObserver<DumpUploadReply> capture) {
        this.catalog = catalog;
        this.capture = capture;
    }

    @Override
    public void onNext(DumpUpload message) {
        if (ended) {
            return;
        }
        try {
            handle(message);
        } catch (DumpCatalog.DumpRefusedException e) {
            LOG.atWarn().log("Refused a dump: {}", e.getMessage());
            end(Status.FAILED_PRECONDITION.withDescription(e.getMessage()));
        } catch (IllegalArgumentException e) {
            end(Status.INVALID_ARGUMENT.withDescription(e.getMessage()));
        } catch (IOException e) {
            LOG.atWarn().log("Cannot store a dump: {}", e.getMessage());
            end(Status.UNAVAILABLE.withDescription("the forwarder cannot store the dump: " + e.getMessage()));
        }
    }

    private void handle(DumpUpload message) throws IOException, DumpCatalog.DumpRefusedException {
        switch (message.getMessageCase()) {
            case BEGIN -> begin(message);
            case CHUNK -> {
                closeReceiver();
                receiver =
                        begun().receive(ChunkEntry.fromJson(message.getChunk().getEntry()));
            }
            case DATA -> openReceiver().write(message.getData().asReadOnlyByteBuffer());
            case CHUNK_END -> {
                int number = openReceiver().entry().number();
                receiver.finish();
                closeReceiver();
                capture.onNext(
                        DumpUploadReply.newBuilder().setChunkStored(number).build());
            }
            case MANIFEST -> complete(DumpManifest.fromJson(message.getManifest()));
            case FAILED -> {
                catalog.failed(
                        message.getFailed().getDumpId(),
                        message.getFailed().getReason(),
                        message.getFailed().getRetry());
                finish();
            }
            case MESSAGE_NOT_SET -> throw new IllegalArgumentException("an empty message in a dump upload");
        }
    }

    private void begin(DumpUpload message) throws IOException, DumpCatalog.DumpRefusedException {
        DumpManifest draft = DumpManifest.fromJson(message.getBegin().getDraftManifest());
        String id = message.getBegin().getDumpId();
        catalog.begin(id, draft);
        dump = catalog.find(id).flatMap(catalog::stored).orElseThrow(() -> new IOException("dump " + id + " is gone"));
        capture.onNext(DumpUploadReply.newBuilder()
                .addAllChunksHeld(dump.chunkNumbers())
                .build());
    }

    private void complete(DumpManifest manifest) throws IOException {
        begun().complete(manifest);
        catalog.arrived(manifest.id());
        capture.onNext(DumpUploadReply.newBuilder().setComplete(true).build());
        finish();
    }

    private StoredDump begun() {
        if (dump == null) {
            throw new IllegalArgumentException("a dump upload must begin with its draft manifest");
        }
        return dump;
    }

    private ChunkReceiver openReceiver() {
        if (receiver == null) {
            throw new IllegalArgumentException("chunk data without the chunk's start");
        }
        return receiver;
    }

    @Override
    public void onError(Throwable error) {
        ended = true;
        closeReceiver();
    }

    @Override
    public void onCompleted() {
        if (!ended) {
            finish();
        }
    }

    private void finish() {
        ended = true;
        closeReceiver();
        capture.onCompleted();
    }

    private void end(Status status) {
        ended = true;
        closeReceiver();
        capture.onError(status.asRuntimeException());
    }

    private void closeReceiver() {
        if (receiver != null) {
            try {
                receiver.close();
            } catch (IOException e) {
                LOG.debug("cannot remove an unfinished chunk", e);
            }
            receiver = null;
        }
    }
}
