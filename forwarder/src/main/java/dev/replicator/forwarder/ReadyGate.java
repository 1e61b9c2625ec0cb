package dev.replicator.forwarder;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.concurrent.TimeUnit;

/**
 * Lets one thread send on a stream as fast as the peer takes it: {@link #send} waits while gRPC has enough buffered.
 * Handlers come from gRPC's threads; the monitor guards the flags.
 *
 * @param <T> message type
 */
final class ReadyGate<T> {
    private final ServerCallStreamObserver<T> observer;
    private boolean ended;

    /** Must be made in the service method itself: gRPC accepts handlers only there. */
    ReadyGate(ServerCallStreamObserver<T> observer) {
        this.observer = observer;
        observer.setOnReadyHandler(this::wake);
        observer.setOnCancelHandler(this::end);
    }

    /**
     * Sends a message when the peer is ready.
     *
     * @throws EndedException when the stream is over
     */
    synchronized void send(T message) throws EndedException {
        try {
            while (!ended && !observer.isReady()) {
                TimeUnit.SECONDS.timedWait(this, 1);
            }
            if (ended || observer.isCancelled()) {
                throw new EndedException();
            }
            observer.onNext(message);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EndedException();
        } catch (StatusRuntimeException | IllegalStateException e) {
            ended = true;
            throw new EndedException();
        }
    }

    /** Ends the stream normally. */
    synchronized void complete() {
        if (!ended) {
            ended = true;
            observer.onCompleted();
            notifyAll();
        }
    }

    /** Ends the stream with an error. */
    synchronized void fail(Status status) {
        if (!ended) {
            ended = true;
            observer.onError(status.asRuntimeException());
            notifyAll();
        }
    }

    synchronized boolean isEnded() {
        return ended;
    }

    private synchronized void wake() {
        notifyAll();
    }

    private synchronized void end() {
        ended = true;
        notifyAll();
    }

    /** The stream is over; nothing more can be sent. */
    static final class EndedException extends java.io.IOException {
        EndedException() {
            super("the stream has ended");
        }
    }
}
