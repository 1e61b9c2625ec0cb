package dev.replicator.forwarder;

import com.google.protobuf.ByteString;
import dev.replicator.queue.wire.CaptureLinkGrpc;
import dev.replicator.queue.wire.DumpChunkStart;
import dev.replicator.queue.wire.DumpUpload;
import dev.replicator.queue.wire.DumpUploadBegin;
import dev.replicator.queue.wire.DumpUploadReply;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Capture's side of one dump upload. */
final class TestUpload {
    private final List<DumpUploadReply> replies = new CopyOnWriteArrayList<>();
    private final StreamObserver<DumpUpload> up;
    private final TestDump dump;
    private volatile Status ended;

    TestUpload(Channel channel, TestDump dump) {
        this.dump = dump;
        up = CaptureLinkGrpc.newStub(channel).uploadDump(new StreamObserver<>() {
            @Override
            public void onNext(DumpUploadReply reply) {
                replies.add(reply);
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
        up.onNext(DumpUpload.newBuilder()
                .setBegin(DumpUploadBegin.newBuilder().setDumpId(dump.id()).setDraftManifest(dump.draft()))
                .build());
    }

    List<Integer> held() throws Exception {
        Await.until("chunks held", () -> !replies.isEmpty() || ended != null, () -> ended);
        return replies.get(0).getChunksHeldList();
    }

    TestUpload sendChunk(int number) throws IOException {
        up.onNext(DumpUpload.newBuilder()
                .setChunk(DumpChunkStart.newBuilder()
                        .setNumber(number)
                        .setEntry(dump.chunk(number).toJson()))
                .build());
        up.onNext(DumpUpload.newBuilder()
                .setData(ByteString.copyFrom(dump.stored(number)))
                .build());
        up.onNext(DumpUpload.newBuilder().setChunkEnd(true).build());
        return this;
    }

    void sendManifest() {
        up.onNext(DumpUpload.newBuilder().setManifest(dump.manifest().toJson()).build());
    }

    void sendAll() throws Exception {
        for (int number = 1; number <= dump.dump().chunks().size(); number++) {
            sendChunk(number);
        }
        sendManifest();
        Await.until("upload complete", () -> ended != null, () -> replies);
        if (!ended.isOk()) {
            throw new AssertionError("upload refused: " + ended);
        }
    }

    void awaitStored(int number) throws Exception {
        Await.until(
                "chunk " + number + " stored",
                () -> replies.stream().anyMatch(reply -> reply.getChunkStored() == number),
                () -> ended);
    }

    Status awaitEnd() throws Exception {
        Await.until("the upload's end", () -> ended != null, () -> replies);
        return ended;
    }
}
