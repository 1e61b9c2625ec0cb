package dev.replicator.runtime;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.DoubleSupplier;

/**
 * Waiting between attempts: each pause is twice the one before, up to a limit, shortened by up to half at random so that
 * many waiters do not come back together. The only thing in the product that sleeps.
 *
 * <p>One thread pauses; any thread may cancel.
 */
public final class Backoff {
    private final long firstNanos;
    private final long mostNanos;
    private final DoubleSupplier random;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition cancelled = lock.newCondition();
    private long nextNanos;
    private boolean isCancelled;

    /**
     * @param first length of the first pause, positive
     * @param most longest pause, at least {@code first}
     */
    public Backoff(Duration first, Duration most) {
        this(first, most, () -> ThreadLocalRandom.current().nextDouble());
    }

    /** @param random values from 0 (inclusive) to 1 (exclusive) */
    Backoff(Duration first, Duration most, DoubleSupplier random) {
        if (first.isNegative() || first.isZero() || most.compareTo(first) < 0) {
            throw new IllegalArgumentException("Expected 0 < first <= most, got first " + first + ", most " + most);
        }
        this.firstNanos = first.toNanos();
        this.mostNanos = most.toNanos();
        this.random = random;
        this.nextNanos = firstNanos;
    }

    /**
     * Waits for the next pause, or until {@link #cancel}.
     *
     * @return true after a full pause, false if cancelled: then the caller ends its loop
     */
    public boolean pause() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long remaining = nextPauseNanosLocked();
            while (!isCancelled && remaining > 0) {
                remaining = cancelled.awaitNanos(remaining);
            }
            return !isCancelled;
        } finally {
            lock.unlock();
        }
    }

    /** Starts again from the first pause; call it after a success. */
    public void reset() {
        lock.lock();
        try {
            nextNanos = firstNanos;
        } finally {
            lock.unlock();
        }
    }

    /** Ends the current pause and every later one at once. */
    public void cancel() {
        lock.lock();
        try {
            isCancelled = true;
            cancelled.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Returns the length of the pause to make now and doubles the next one. */
    long nextPauseNanosLocked() {
        long full = nextNanos;
        nextNanos = full >= mostNanos - full ? mostNanos : full * 2;
        return full - (long) (full * 0.5 * random.getAsDouble());
    }

    @Override
    public String toString() {
        return "Backoff[next at most " + TimeUnit.NANOSECONDS.toMillis(nextNanos) + " ms]";
    }
}
