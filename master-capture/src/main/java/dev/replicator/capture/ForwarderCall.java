package dev.replicator.capture;

import dev.replicator.queue.wire.CaptureAck;
import dev.replicator.queue.wire.CaptureWelcome;
import dev.replicator.queue.wire.FromCapture;
import dev.replicator.queue.wire.ToCapture;
import dev.replicator.runtime.net.RemoteErrors;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * One connection to the forwarder. Messages come in on gRPC's threads; {@link #send} is called by the link's thread
 * alone.
 */
final class ForwarderCall implements ClientResponseObserver<FromCapture, ToCapture> {
    private final LinkOrders orders;
    private final Consumer<CaptureAck> acks;
    private ClientCallStreamObserver<FromCapture> call;
    private CaptureWelcome welcome;
    private Throwable failure;
    private boolean ended;

    ForwarderCall(LinkOrders orders, Consumer<CaptureAck> acks) {
        this.orders = orders;
        this.acks = acks;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<FromCapture> stream) {
        call = stream;
        stream.setOnReadyHandler(this::wake);
    }

    @Override
    public void onNext(ToCapture message) {
        switch (message.getMessageCase()) {
            case WELCOME -> {
                synchronized (this) {
                    welcome = message.getWelcome();
                    notifyAll();
                }
            }
            case ACK -> acks.accept(message.getAck());
            case DUMP -> orders.dump(message.getDump());
            case CANCEL -> orders.cancelDump(message.getCancel().getDumpId());
            case MARKER -> orders.mark(message.getMarker().getMarker());
            case MESSAGE_NOT_SET -> {
                // A newer forwarder may say more than we know.
            }
        }
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

    /** The forwarder's answer to Hello. */
    synchronized CaptureWelcome awaitWelcome(Duration timeout) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (welcome == null) {
            throwIfEnded();
            long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
            if (left <= 0) {
                throw new IOException("the forwarder did not answer within " + timeout.toSeconds() + " s");
            }
            wait(left);
        }
        return welcome;
    }

    /** Waits until a message can be sent without piling up here, or the time is over. */
    synchronized boolean awaitReady(long millis) throws IOException, InterruptedException {
        throwIfEnded();
        if (!call.isReady()) {
            wait(millis);
            throwIfEnded();
        }
        return call.isReady();
    }

    /** Waits for a while, or until the call ends. */
    synchronized void rest(long millis) throws IOException, InterruptedException {
        throwIfEnded();
        wait(millis);
        throwIfEnded();
    }

    void send(FromCapture message) {
        call.onNext(message);
    }

    /** Ends the call from our side. */
    void end() {
        synchronized (this) {
            if (ended) {
                return;
            }
        }
        call.onCompleted();
    }

    /** Drops the call at once. */
    void cancel(String why) {
        call.cancel(why, null);
    }

    synchronized void throwIfEnded() throws IOException {
        if (failure != null) {
            throw new IOException(RemoteErrors.reason(failure), failure);
        }
        if (ended) {
            throw new IOException("the forwarder ended the connection");
        }
    }
}
