package dev.replicator.slave;

import dev.replicator.queue.wire.SlaveCommand;
import dev.replicator.queue.wire.SlaveLinkGrpc;
import dev.replicator.queue.wire.SlaveReport;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reports to the forwarder every second and on change, and hands on its commands. A thread of its own. */
final class ControlLink implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlLink.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    /** Changes come in bursts; one report tells them all. */
    private static final Duration LEAST_INTERVAL = Duration.ofMillis(50);

    private final Channel channel;
    private final Supplier<SlaveReport> reports;
    private final Consumer<SlaveCommand> commands;
    private final BooleanSupplier silent;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition signal = lock.newCondition();
    private boolean changed;
    private boolean stopped;
    private Call call;

    /** @param silent whether another daemon speaks for the slave once it has taken this one's place at the forwarder */
    ControlLink(
            Channel channel, Supplier<SlaveReport> reports, Consumer<SlaveCommand> commands, BooleanSupplier silent) {
        this.channel = channel;
        this.reports = reports;
        this.commands = commands;
        this.silent = silent;
    }

    /** Something changed that the forwarder should know soon. */
    void changed() {
        lock.lock();
        try {
            changed = true;
            signal.signalAll();
        } finally {
            lock.unlock();
        }
    }

    void stop() {
        lock.lock();
        try {
            stopped = true;
            signal.signalAll();
            if (call != null) {
                call.stream.cancel("the slave stops", null);
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void run() {
        try {
            while (await()) {
                report();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean await() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long least = LEAST_INTERVAL.toNanos();
            while (!stopped && least > 0) {
                least = signal.awaitNanos(least);
            }
            long left = INTERVAL.minus(LEAST_INTERVAL).toNanos();
            while (!stopped && !changed && left > 0) {
                left = signal.awaitNanos(left);
            }
            changed = false;
            return !stopped;
        } finally {
            lock.unlock();
        }
    }

    private void report() {
        if (call != null && call.superseded && silent.getAsBoolean()) {
            return;
        }
        try {
            SlaveReport report = reports.get();
            if (call == null || call.ended) {
                open();
            }
            call.send(report);
        } catch (RuntimeException e) {
            LOG.warn("reporting to the forwarder failed: {}", e.toString());
            LOG.debug("report", e);
        }
    }

    /** Whoever stops may come while the call begins: it is seen by him only when it can be cancelled. */
    private void open() {
        Call next = new Call();
        SlaveLinkGrpc.newStub(channel).control(next);
        lock.lock();
        try {
            call = next;
            if (stopped) {
                next.stream.cancel("the slave stops", null);
            }
        } finally {
            lock.unlock();
        }
    }

    private final class Call implements ClientResponseObserver<SlaveReport, SlaveCommand> {
        private ClientCallStreamObserver<SlaveReport> stream;
        private volatile boolean ended;
        private volatile boolean superseded;

        @Override
        public void beforeStart(ClientCallStreamObserver<SlaveReport> requests) {
            stream = requests;
        }

        synchronized void send(SlaveReport report) {
            // Not ready: the forwarder is slow or away; the next report tells the same and more.
            if (!ended && (stream.isReady() || !sentFirst)) {
                sentFirst = true;
                stream.onNext(report);
            }
        }

        private boolean sentFirst;

        @Override
        public void onNext(SlaveCommand command) {
            commands.accept(command);
        }

        @Override
        public void onError(Throwable error) {
            Status status = Status.fromThrowable(error);
            synchronized (this) {
                superseded = status.getCode() == Status.Code.ABORTED;
                ended = true;
            }
            LOG.debug("the control stream ended: {}", status);
        }

        @Override
        public void onCompleted() {
            synchronized (this) {
                ended = true;
            }
        }
    }
}
