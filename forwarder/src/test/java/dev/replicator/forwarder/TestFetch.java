package dev.replicator.forwarder;

import dev.replicator.dumps.DumpManifest;
import dev.replicator.queue.wire.DumpPart;
import dev.replicator.queue.wire.FetchDumpRequest;
import dev.replicator.queue.wire.SlaveLinkGrpc;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A slave's side of one dump fetch. */
final class TestFetch {
    private final List<DumpPart> parts = new CopyOnWriteArrayList<>();
    private volatile Status ended;

    TestFetch(Channel channel, String slave, String dumpId, int... held) {
        FetchDumpRequest.Builder request =
                FetchDumpRequest.newBuilder().setSlave(slave).setDumpId(dumpId);
        for (int number : held) {
            request.addChunksHeld(number);
        }
        SlaveLinkGrpc.newStub(channel).fetchDump(request.build(), new StreamObserver<>() {
            @Override
            public void onNext(DumpPart part) {
                parts.add(part);
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

    List<Integer> chunks() {
        return parts.stream()
                .filter(DumpPart::hasChunk)
                .map(part -> part.getChunk().getNumber())
                .toList();
    }

    void awaitChunks(int count) throws Exception {
        Await.until(
                count + " chunks",
                () -> parts.stream().filter(DumpPart::hasChunkEnd).count() >= count,
                () -> parts + " " + ended);
    }

    /** The complete manifest, or null while there is none. */
    DumpManifest manifest() {
        return parts.stream()
                .filter(DumpPart::hasManifest)
                .map(part -> DumpManifest.fromJson(part.getManifest()))
                .findFirst()
                .orElse(null);
    }

    DumpManifest awaitManifest() throws Exception {
        Await.until("complete manifest", () -> manifest() != null || ended != null, () -> parts);
        if (manifest() == null) {
            throw new AssertionError("ended without: " + ended + " " + parts);
        }
        return manifest();
    }

    String awaitFailure() throws Exception {
        Await.until("failure", () -> parts.stream().anyMatch(DumpPart::hasFailed), () -> parts + " " + ended);
        return parts.stream()
                .filter(DumpPart::hasFailed)
                .findFirst()
                .orElseThrow()
                .getFailed();
    }

    /** Chunk bytes received. */
    long bytes() {
        return parts.stream().mapToLong(part -> part.getData().size()).sum();
    }

    Status awaitEnd() throws Exception {
        Await.until("the fetch's end", () -> ended != null, () -> parts);
        return ended;
    }
}
