package dev.replicator.capture;

import dev.replicator.queue.wire.CaptureHello;
import dev.replicator.queue.wire.CaptureLinkGrpc;
import dev.replicator.queue.wire.CaptureWelcome;
import dev.replicator.queue.wire.FromCapture;
import dev.replicator.queue.wire.ToCapture;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.net.Channels;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The way to the forwarder: one channel for all calls. Thread-safe. */
final class ForwarderClient implements AutoCloseable {
    private static final long CLOSE_WAIT_SECONDS = 2;

    private final String cluster;
    private final ManagedChannel channel;

    /** Uses an open channel, which it closes. */
    ForwarderClient(String cluster, ManagedChannel channel) {
        this.cluster = cluster;
        this.channel = channel;
    }

    static ForwarderClient open(String cluster, CaptureConfig.Forwarder forwarder) {
        return new ForwarderClient(cluster, Channels.open(forwarder.address(), forwarder.token(), forwarder.tls()));
    }

    CaptureLinkGrpc.CaptureLinkStub stub() {
        return CaptureLinkGrpc.newStub(channel);
    }

    /** A Hello that says nothing about a history. */
    CaptureHello.Builder hello() {
        return CaptureHello.newBuilder().setCluster(cluster).setVersion(version());
    }

    /**
     * Asks the forwarder what it holds, with all that a capture without history needs to go on with it (rule R07).
     *
     * @throws ReplicatorException UNAVAILABLE when it does not answer in time
     */
    CaptureWelcome fetchHistory(Duration timeout) throws InterruptedException {
        CompletableFuture<CaptureWelcome> answer = new CompletableFuture<>();
        StreamObserver<FromCapture> call = stub().connect(new StreamObserver<>() {
            @Override
            public void onNext(ToCapture message) {
                if (message.hasWelcome()) {
                    answer.complete(message.getWelcome());
                }
            }

            @Override
            public void onError(Throwable thrown) {
                answer.completeExceptionally(thrown);
            }

            @Override
            public void onCompleted() {
                answer.completeExceptionally(new IllegalStateException("the forwarder ended the call"));
            }
        });
        try {
            call.onNext(FromCapture.newBuilder().setHello(hello()).build());
            CaptureWelcome welcome = answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
            call.onCompleted();
            return welcome;
        } catch (ExecutionException | TimeoutException e) {
            call.onError(new IllegalStateException("no welcome"));
            Throwable cause = e instanceof ExecutionException ? e.getCause() : e;
            refuse(cause);
            throw new ReplicatorException(
                    ErrorCode.UNAVAILABLE,
                    "asking the forwarder which history it holds: "
                            + (cause instanceof TimeoutException
                                    ? "no answer within " + timeout.toSeconds() + " s"
                                    : cause),
                    "Capture without a history of its own cannot begin before the forwarder has said whether it has one.",
                    e);
        }
    }

    /** What waiting cannot mend: a wrong token or cluster. */
    private static void refuse(Throwable cause) {
        Status status = Status.fromThrowable(cause);
        switch (status.getCode()) {
            case UNAUTHENTICATED, PERMISSION_DENIED, FAILED_PRECONDITION -> throw new ReplicatorException(
                    ErrorCode.CONFIGURATION,
                    "The forwarder refuses this capture: " + status.getDescription(),
                    "Check cluster and forwarder.token in capture.yaml against forwarder.yaml.",
                    cause);
            default -> {}
        }
    }

    private static String version() {
        String version = ForwarderClient.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }

    @Override
    public void close() {
        channel.shutdownNow();
        try {
            channel.awaitTermination(CLOSE_WAIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
