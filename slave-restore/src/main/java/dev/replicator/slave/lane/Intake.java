package dev.replicator.slave.lane;

import dev.replicator.queue.Position;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Hand-over from a lane's decoder to its applier: decoded items in order, bounded by bytes. Whoever is faster waits, so
 * batches grow by themselves while the database is busy and stay small while it is idle.
 *
 * <p>One thread puts, and at any time one takes. Any thread may {@link #wake}.
 */
final class Intake {
    /** A lane whose next transaction is older than this is far behind. */
    private static final long BEHIND_MICROS = TimeUnit.SECONDS.toMicros(1);

    private static final long BEHIND_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final long BEHIND_GAP_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final long maxBytes;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<LaneItem> items = new ArrayDeque<>();
    private long bytes;
    private long firstNanos;
    private volatile long knownThrough = -1;
    private volatile boolean moreComing;
    /** What the batch that is waited for may hold; null while nobody waits. */
    private BatchLimits awaited;
    /** Whoever waits, waits for as many as possible. */
    private boolean gathering;

    private boolean closed;
    private boolean woken;

    Intake(long maxBytes) {
        this.maxBytes = maxBytes;
    }

    /** Adds an item; waits while the intake is full. After {@link #close} items are dropped. */
    void put(LaneItem item) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (!closed && bytes > 0 && bytes + item.bytes() > maxBytes) {
                changed.await();
            }
            if (!closed) {
                add(item);
            }
        } finally {
            lock.unlock();
        }
    }

    private void add(LaneItem item) {
        if (items.isEmpty()) {
            firstNanos = System.nanoTime();
        }
        items.add(item);
        bytes += item.bytes();
        if (item instanceof LaneItem.Piece piece && piece.last() || item instanceof LaneItem.Passed) {
            knownThrough = Math.max(knownThrough, item.seq());
        }
        if (isWorthWaking(item)) {
            changed.signalAll();
        }
    }

    /** To be woken for each of many transactions would cost more than to decode them. */
    private boolean isWorthWaking(LaneItem item) {
        if (awaited == null || !(item instanceof LaneItem.Piece) || isFullLocked(awaited)) {
            return true;
        }
        return !gathering
                && (!moreComing
                        || System.nanoTime() - firstNanos > awaited.interval().toNanos());
    }

    /**
     * Notes that everything up to a transaction is here: nothing below it can come any more. A transaction that was put tells
     * it by itself. By the thread that puts.
     *
     * @param seq that transaction
     */
    void knowThrough(long seq) {
        if (seq <= knownThrough) {
            return;
        }
        lock.lock();
        try {
            knownThrough = seq;
            if (!gathering) {
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Tells whether bytes wait to be decoded: then a batch may wait a little for them. By the thread that puts. */
    void moreComing(boolean value) {
        if (moreComing == value) {
            return;
        }
        lock.lock();
        try {
            moreComing = value;
            if (!value && !gathering) {
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Makes the current {@link #await} return. */
    void wake() {
        lock.lock();
        try {
            woken = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    void close() {
        lock.lock();
        try {
            closed = true;
            items.clear();
            bytes = 0;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Whether all transactions up to {@code seq} have been taken and nothing of them can still come. */
    boolean isDrainedThrough(long seq) {
        lock.lock();
        try {
            LaneItem first = items.peek();
            boolean more = first != null && !(first instanceof LaneItem.Broken);
            return more ? first.seq() > seq : knownThrough >= seq;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until there is something to take up to {@code maxSeq}, the batch is worth taking, somebody wakes it, or time is
     * up.
     */
    void await(BatchLimits limits, long maxSeq, Duration timeout) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            awaited = limits;
            awaitTakeableLocked(maxSeq, timeout);
            long fill = limits.interval().toNanos();
            while (!woken && moreComing && !isFullLocked(limits) && fill > 0) {
                fill = changed.awaitNanos(fill);
            }
            awaitFullLocked(limits, maxSeq);
            woken = false;
        } finally {
            awaited = null;
            lock.unlock();
        }
    }

    private void awaitTakeableLocked(long maxSeq, Duration timeout) throws InterruptedException {
        long left = timeout.toNanos();
        while (!woken && !hasTakeableLocked(maxSeq) && left > 0) {
            left = changed.awaitNanos(left);
        }
    }

    /**
     * Far behind, a fuller batch is worth waiting for as long as something comes: the more it holds, the less a transaction
     * costs the database, and whoever looks sees old rows either way.
     */
    private void awaitFullLocked(BatchLimits limits, long maxSeq) throws InterruptedException {
        long until = System.nanoTime() + BEHIND_WAIT_NANOS;
        gathering = true;
        try {
            boolean comes = true;
            while (comes && !woken && isBehindLocked(maxSeq) && !isFullLocked(limits) && System.nanoTime() < until) {
                comes = cameInGapLocked(limits);
            }
        } finally {
            gathering = false;
        }
    }

    private boolean cameInGapLocked(BatchLimits limits) throws InterruptedException {
        int before = items.size();
        long left = BEHIND_GAP_NANOS;
        while (left > 0 && !woken && !isFullLocked(limits) && items.peekLast() instanceof LaneItem.Piece) {
            left = changed.awaitNanos(left);
        }
        return items.size() != before;
    }

    private boolean isBehindLocked(long maxSeq) {
        return maxSeq == Long.MAX_VALUE
                && items.peekFirst() instanceof LaneItem.Piece piece
                && items.peekLast() instanceof LaneItem.Piece
                && TimeUnit.MILLISECONDS.toMicros(System.currentTimeMillis()) - piece.commitMicros() > BEHIND_MICROS;
    }

    /** Waits for the next item without regard to limits, for the pieces of a large transaction. */
    Batch takeNext() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (items.isEmpty()) {
                if (!changed.await(10, TimeUnit.MINUTES)) {
                    throw new IllegalStateException("no piece of a begun transaction came for 10 minutes");
                }
            }
            LaneItem item = removeLocked();
            return batchOf(item);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes the next batch.
     *
     * @param maxSeq transactions beyond it stay
     * @return null when there is nothing to take
     */
    Batch take(BatchLimits limits, long maxSeq) {
        lock.lock();
        try {
            List<ChangeRun> runs = new ArrayList<>(Math.min(items.size(), limits.transactions()));
            Position end = null;
            long micros = 0;
            long endMicros = 0;
            long taken = 0;
            int transactions = 0;
            LaneItem event = null;
            while (event == null && hasTakeableLocked(maxSeq)) {
                LaneItem item = items.peek();
                if (item instanceof LaneItem.Piece piece) {
                    boolean full = transactions >= limits.transactions() || taken + piece.bytes() > limits.bytes();
                    if (transactions > 0 && (full || !piece.last())) {
                        break;
                    }
                    unlinkLocked();
                    if (!piece.last()) {
                        return batchOf(piece);
                    }
                    runs.addAll(piece.runs());
                    end = piece.position();
                    micros = piece.commitMicros();
                    endMicros = micros;
                    taken += piece.bytes();
                    transactions++;
                } else if (item instanceof LaneItem.Passed passed) {
                    unlinkLocked();
                    endMicros = end != null && end.seq() == passed.seq() ? endMicros : 0;
                    end = passed.position();
                    micros = Math.max(micros, passed.commitMicros());
                } else {
                    event = unlinkLocked();
                }
            }
            return end == null && event == null
                    ? null
                    : new Batch(runs, end, micros, endMicros, transactions, false, event);
        } finally {
            changed.signalAll(); // once: whoever puts waits for room, not for each item
            lock.unlock();
        }
    }

    private static Batch batchOf(LaneItem item) {
        if (item instanceof LaneItem.Piece piece) {
            return new Batch(
                    piece.runs(),
                    piece.position(),
                    piece.commitMicros(),
                    piece.commitMicros(),
                    piece.last() ? 1 : 0,
                    !piece.last(),
                    null);
        }
        return new Batch(List.of(), null, 0, 0, false, item);
    }

    private LaneItem removeLocked() {
        changed.signalAll();
        return unlinkLocked();
    }

    private LaneItem unlinkLocked() {
        LaneItem item = items.remove();
        bytes -= item.bytes();
        return item;
    }

    private boolean hasTakeableLocked(long maxSeq) {
        LaneItem first = items.peek();
        return first != null && (first.seq() <= maxSeq || first instanceof LaneItem.Broken);
    }

    /** Whether a batch can be taken at once that no waiting would make larger. */
    boolean isFull(BatchLimits limits) {
        lock.lock();
        try {
            return isFullLocked(limits);
        } finally {
            lock.unlock();
        }
    }

    private boolean isFullLocked(BatchLimits limits) {
        return bytes >= limits.bytes() || items.size() >= limits.transactions();
    }
}
