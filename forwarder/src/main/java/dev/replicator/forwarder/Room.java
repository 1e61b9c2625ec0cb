package dev.replicator.forwarder;

import java.io.InterruptedIOException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A gate that taking in from capture passes: closed while the queue's budget is used up and nothing may give way. */
final class Room {
    private boolean closed;

    synchronized void close() {
        closed = true;
    }

    synchronized void open() {
        closed = false;
        notifyAll();
    }

    synchronized boolean isClosed() {
        return closed;
    }

    /** Waits until the gate is open, or {@code ended} says that nobody cares any more. */
    synchronized void await(BooleanSupplier ended) throws InterruptedIOException {
        try {
            while (closed && !ended.getAsBoolean()) {
                TimeUnit.MILLISECONDS.timedWait(this, 200);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("ended while waiting for room in the queue");
        }
    }
}
