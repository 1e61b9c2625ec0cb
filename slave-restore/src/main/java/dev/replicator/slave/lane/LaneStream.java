package dev.replicator.slave.lane;

import dev.replicator.queue.Position;
import dev.replicator.queue.wire.FromLane;
import dev.replicator.queue.wire.LaneAck;
import dev.replicator.queue.wire.SlaveLinkGrpc;
import dev.replicator.queue.wire.Subscribe;
import dev.replicator.queue.wire.ToLane;
import dev.replicator.queue.wire.WirePositions;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * One subscription at the forwarder. Messages wait in a queue of at most {@link #WINDOW}; more are asked for only when half
 * of them have been taken, so a slow database slows the forwarder down and nothing piles up here.
 *
 * <p>One thread takes, one acknowledges; close from any.
 */
final class LaneStream implements AutoCloseable {
    /** Messages under way; the forwarder cuts records into slices of at most a megabyte. */
    private static final int WINDOW = 8;

    private final BlockingQueue<Signal> inbound = new LinkedBlockingQueue<>();
    private final Observer observer = new Observer();
    /** Since messages were last asked for. */
    private int taken;

    private LaneStream() {}

    /** A message, or the end. */
    private record Signal(ToLane message, Throwable end) {}

    static LaneStream open(Channel channel, Subscribe subscribe) {
        LaneStream stream = new LaneStream();
        // Messages only go from one queue to another: a thread between the two is a hand-over more for each of them.
        SlaveLinkGrpc.newStub(channel).withExecutor(Runnable::run).subscribe(stream.observer);
        stream.observer.call.onNext(
                FromLane.newBuilder().setSubscribe(subscribe).build());
        return stream;
    }

    /**
     * Waits for the next message.
     *
     * @throws StatusRuntimeException when the stream has ended, also in order
     */
    ToLane take() throws InterruptedException {
        Signal signal = inbound.take();
        if (signal.end() != null) {
            inbound.add(signal);
            throw Status.fromThrowable(signal.end()).asRuntimeException();
        }
        // Asking wakes the network's thread: several at a time.
        if (++taken == WINDOW / 2) {
            observer.call.request(taken);
            taken = 0;
        }
        return signal.message();
    }

    /** Whether a message waits. */
    boolean hasMore() {
        return !inbound.isEmpty();
    }

    /** Tells the forwarder what is durable here. */
    void acknowledge(Position applied) {
        observer.acknowledge(FromLane.newBuilder()
                .setAck(LaneAck.newBuilder().setApplied(WirePositions.toWire(applied)))
                .build());
    }

    @Override
    public void close() {
        observer.call.cancel("lane ends", null);
    }

    private final class Observer implements ClientResponseObserver<FromLane, ToLane> {
        private ClientCallStreamObserver<FromLane> call;
        private boolean ended;

        @Override
        public void beforeStart(ClientCallStreamObserver<FromLane> stream) {
            call = stream;
            stream.disableAutoRequestWithInitial(WINDOW);
        }

        @Override
        public void onNext(ToLane message) {
            inbound.add(new Signal(message, null));
        }

        @Override
        public void onError(Throwable error) {
            end(error);
        }

        @Override
        public void onCompleted() {
            end(Status.UNAVAILABLE
                    .withDescription("the forwarder ended the stream")
                    .asRuntimeException());
        }

        synchronized void acknowledge(FromLane ack) {
            if (!ended) {
                call.onNext(ack);
            }
        }

        private synchronized void end(Throwable reason) {
            ended = true;
            inbound.add(new Signal(null, reason));
        }
    }
}
