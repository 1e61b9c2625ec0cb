package dev.replicator.queue.store;

import dev.replicator.queue.Position;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;

/**
 * Collects appended records in memory while the group before them is written and synced, then writes them as one group:
 * an fsync starts as soon as the previous one ended and something waits, so the disk sets the group's size (rule R16).
 *
 * <p>One thread appends; the sync thread started here is the only one that writes groups. After a failed fsync it stops
 * for good. A full disk is kept apart: the group stays in memory and is tried again.
 */
final class GroupCommit implements Closeable {
    /** Appending waits while this much is not yet on its way to disk. */
    private static final int MOST_WAITING_BYTES = 4 << 20;

    private static final Duration FULL_DISK_RETRY = Duration.ofSeconds(1);

    /** Work on segments while no group is on its way. */
    interface Switch {
        /**
         * @return the writer that takes the following groups
         */
        SegmentWriter apply(SegmentWriter current) throws IOException;
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Condition progress = lock.newCondition();
    private final Thread thread = new Thread(this::run, "queue-sync");

    // All guarded by lock, except that the sync thread alone uses `writing` and `target` while `busy`.
    private SegmentWriter target;
    private Group filling = new Group();
    private Group writing = new Group();
    private boolean busy;
    private boolean closing;
    private long nextOffset;
    private long attempts;
    private boolean retryNow;
    private boolean lastTry;
    private QueueFullException full;
    private IOException failed;
    private volatile Durable durable;

    GroupCommit() {
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    Durable durable() {
        return durable;
    }

    /** The active segment's writer, or null. */
    SegmentWriter target() {
        lock.lock();
        try {
            return target;
        } finally {
            lock.unlock();
        }
    }

    /** Bytes of the active segment behind its opening schemas, those on their way to disk included. */
    long activeBytes() {
        lock.lock();
        try {
            return nextOffset - target.segment().openingEnd();
        } finally {
            lock.unlock();
        }
    }

    /** Takes a copy of a record; see {@link QueueWriter#append}. */
    void append(RecordHeader header, ByteBuffer image) throws IOException {
        lock.lock();
        try {
            checkUsable();
            if (full != null) {
                retry();
            }
            while (filling.bytes.position() > 0 && filling.bytes.position() + image.remaining() > MOST_WAITING_BYTES) {
                await();
                if (full != null) {
                    throw full;
                }
            }
            target.segment().stats().add(header, nextOffset);
            nextOffset += image.remaining();
            filling.add(header, image);
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until everything appended is durable. */
    void sync() throws IOException {
        lock.lock();
        try {
            drain();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Runs work on segments between two groups. When it throws {@link QueueFullException} everything goes on as before;
     * any other failure stops the queue.
     *
     * @param after what is durable when the work succeeded, made from what was before; null: as before
     */
    void between(Switch step, UnaryOperator<Durable> after) throws IOException {
        lock.lock();
        try {
            drain();
            try {
                target = step.apply(target);
            } catch (QueueFullException e) {
                throw e;
            } catch (IOException | RuntimeException e) {
                failed = e instanceof IOException io ? io : new IOException("queue stopped", e);
                throw e;
            }
            nextOffset = target.end();
            if (after != null) {
                durable = after.apply(durable);
            }
            progress.signalAll();
        } finally {
            lock.unlock();
        }
    }

    boolean awaitProgress(long seenLsn, long seenRecords, Duration timeout) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = timeout.toNanos();
            while (left > 0
                    && !closing
                    && failed == null
                    && durable.sourceLsn() == seenLsn
                    && durable.records() == seenRecords) {
                left = progress.awaitNanos(left);
            }
            return durable.sourceLsn() != seenLsn || durable.records() != seenRecords;
        } finally {
            lock.unlock();
        }
    }

    /** Sets the segment that takes the first groups, after opening or when there was no history before. */
    void begin(SegmentWriter first, Durable state) {
        lock.lock();
        try {
            target = first;
            durable = state;
            nextOffset = first.end();
            progress.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Writes what was appended and ends the thread; the active segment stays open on disk. */
    @Override
    public void close() throws IOException {
        lock.lock();
        try {
            closing = true;
            work.signal();
            progress.signalAll();
        } finally {
            lock.unlock();
        }
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (target != null) {
            target.close();
        }
    }

    /** True when everything appended reached the disk. */
    boolean isClean() {
        lock.lock();
        try {
            return failed == null && filling.records == 0 && !busy;
        } finally {
            lock.unlock();
        }
    }

    private void drain() throws IOException {
        checkUsable();
        while (busy || filling.records > 0) {
            if (full != null) {
                retry();
            } else {
                await();
            }
        }
    }

    private void retry() throws IOException {
        long seen = attempts;
        retryNow = true;
        work.signal();
        while (attempts == seen) {
            await();
        }
        if (full != null) {
            throw full;
        }
    }

    private void await() throws IOException {
        try {
            progress.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException)
                    new InterruptedIOException("interrupted while waiting for the queue's disk").initCause(e);
        }
        checkUsable();
    }

    private void checkUsable() throws IOException {
        if (failed != null) {
            throw new IOException(
                    "the queue stopped after a disk error and must be opened again: " + failed.getMessage(), failed);
        }
        if (closing) {
            throw new IOException("the queue is closed");
        }
    }

    private void run() {
        lock.lock();
        try {
            while (failed == null && takeGroup()) {
                writeGroup();
            }
        } catch (InterruptedException e) {
            failed = new InterruptedIOException("the queue's sync thread was interrupted");
        } finally {
            if (failed == null && !closing) {
                // An Error ended the thread: whoever waits must not wait for ever.
                failed = new IOException("the queue's sync thread died");
            }
            progress.signalAll();
            lock.unlock();
        }
    }

    /** Waits for work; false when the queue is closing and nothing is left, or cannot be written. */
    private boolean takeGroup() throws InterruptedException {
        if (full != null) {
            if (lastTry) {
                return false;
            }
            lastTry = closing;
            boolean waiting = true;
            while (waiting && !retryNow && !closing) {
                waiting = work.await(FULL_DISK_RETRY.toMillis(), TimeUnit.MILLISECONDS);
            }
            retryNow = false;
            return true;
        }
        while (filling.records == 0 && !closing) {
            work.await();
        }
        if (filling.records == 0) {
            return false;
        }
        Group taken = filling;
        filling = writing;
        filling.clear();
        writing = taken;
        busy = true;
        nextOffset += GroupTrailer.LENGTH;
        progress.signalAll();
        return true;
    }

    private void writeGroup() {
        IOException failure = null;
        Group group = writing;
        Durable before = durable;
        Position tail = group.tail == null ? before.tail() : group.tail;
        long sourceLsn = group.hasLsn ? SegmentStats.later(before.sourceLsn(), group.sourceLsn) : before.sourceLsn();
        lock.unlock();
        try {
            target.writeGroup(group.toWrite(), group.records, tail.seq(), sourceLsn);
        } catch (IOException e) {
            failure = e;
        } catch (RuntimeException e) {
            failure = new IOException("queue stopped", e);
        } finally {
            lock.lock();
        }
        if (failure instanceof QueueFullException e) {
            full = e;
            attempts++;
        } else if (failure != null) {
            failed = failure;
        } else {
            if (full != null) {
                full = null;
                attempts++;
            }
            busy = false;
            target.segment().extend(target.end());
            durable = new Durable(tail, sourceLsn, before.records() + group.records);
        }
        progress.signalAll();
    }

    /** Records that become durable together. */
    private static final class Group {
        private static final int USUAL_BYTES = 1 << 20;

        private ByteBuffer bytes = ByteBuffer.allocate(USUAL_BYTES);
        private int records;
        private Position tail;
        private long sourceLsn;
        private boolean hasLsn;

        void add(RecordHeader header, ByteBuffer image) {
            int needed = bytes.position() + image.remaining() + GroupTrailer.LENGTH;
            if (needed > bytes.capacity()) {
                bytes = ByteBuffer.allocate(Math.max(needed, bytes.capacity() * 2))
                        .put(bytes.flip());
            }
            bytes.put(image);
            records++;
            if (header.isTransaction()) {
                tail = header.position();
            }
            if (header.isTransaction() || header.kind() == RecordKind.HEARTBEAT) {
                sourceLsn = hasLsn ? SegmentStats.later(sourceLsn, header.lsn()) : header.lsn();
                hasLsn = true;
            }
        }

        /** The records, limit behind the last; may be called again. */
        ByteBuffer toWrite() {
            return bytes.duplicate().flip();
        }

        void clear() {
            if (bytes.capacity() > 4 * USUAL_BYTES) {
                bytes = ByteBuffer.allocate(USUAL_BYTES);
            }
            bytes.clear();
            records = 0;
            tail = null;
            hasLsn = false;
        }
    }
}
