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
 * Collects appended records, writes them to the file, and makes them durable in groups: an fsync starts as soon as the
 * previous one ended and something waits, so the disk sets the group's size (rule R16). Where its owner allows it, records are
 * gathered for some milliseconds while nobody waits: an fsync costs as much processor time as sending a transaction.
 *
 * <p>One thread appends, and may write what it appended while the group before it is on its way: readers that ask for it
 * see it then. The sync thread started here is the only one that ends groups: no end is written before the fsync of the group in
 * front has come back. After a failed fsync it stops for good. A full disk is kept apart: what could not be written stays in
 * memory and is tried again.
 */
final class GroupCommit implements Closeable {
    /** Appending waits while this much is not yet on its way to disk. */
    private static final int MOST_WAITING_BYTES = 4 << 20;

    private static final Duration FULL_DISK_RETRY = Duration.ofSeconds(1);
    /** So long records may be gathered, where they may. */
    static final Duration GATHERING = Duration.ofMillis(10);

    /** Work on segments while no group is on its way. */
    interface Switch {
        /**
         * @return the writer that takes the following groups
         */
        SegmentWriter apply(SegmentWriter current) throws IOException;
    }

    private final long gatheringNanos;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Condition progress = lock.newCondition();
    private final Condition shown = lock.newCondition();
    private final Thread thread = new Thread(this::run, "queue-sync");

    // All guarded by lock, except that the sync thread forces `target` without it while `busy`.
    private SegmentWriter target;
    private final Group filling = new Group();
    /** Written since the last group ended. */
    private int unsynced;

    private boolean busy;
    /** Threads that wait until something is durable. */
    private int waiting;

    private volatile boolean mayGather;
    private boolean gathering;
    private long groupEnded;
    private boolean roomWanted;
    private boolean closing;
    private long nextOffset;
    private long attempts;
    private boolean retryNow;
    private boolean lastTry;
    private QueueFullException full;
    private IOException failed;
    private volatile Durable written;
    private volatile Durable durable;

    GroupCommit(Duration gathering) {
        this.gatheringNanos = gathering.toNanos();
        this.groupEnded = System.nanoTime() - gatheringNanos;
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    Durable durable() {
        return durable;
    }

    /** Allows to gather records while nobody waits for them. */
    void mayGather(boolean allowed) {
        if (mayGather == allowed) {
            return;
        }
        lock.lock();
        try {
            mayGather = allowed;
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    /** What readers of written records may see; what is durable is part of it. */
    Durable written() {
        return written;
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

    /**
     * Takes a copy of a record; see {@link QueueWriter#append}.
     *
     * @param noting notes what the record tells: not while the record may still be refused, or it would be no news when it
     *     comes again (rule R08); but before anybody can read it, because readers ask for what was noted
     */
    void append(RecordHeader header, ByteBuffer image, Runnable noting) throws IOException {
        lock.lock();
        try {
            checkUsable();
            if (full != null) {
                retry();
            }
            while (filling.bytes.position() > 0 && filling.bytes.position() + image.remaining() > MOST_WAITING_BYTES) {
                roomWanted = true;
                await();
                if (full != null) {
                    throw full;
                }
            }
            noting.run();
            target.segment().stats().add(header, nextOffset);
            nextOffset += image.remaining();
            filling.add(header, image);
            if (!gathering) {
                work.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Writes what was appended, without making it durable. What cannot be written now is tried again by others. */
    void write() throws IOException {
        lock.lock();
        try {
            checkUsable();
            if (full == null) {
                tryWriting();
            }
        } finally {
            lock.unlock();
        }
    }

    private void tryWriting() throws IOException {
        try {
            writeFilling();
        } catch (QueueFullException e) {
            full = e;
            work.signal();
        } catch (IOException e) {
            failed = e;
            work.signal();
            throw e;
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
                written = durable;
            }
            progress.signalAll();
        } finally {
            lock.unlock();
        }
    }

    boolean awaitWritten(long seenRecords, Duration timeout) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = timeout.toNanos();
            while (left > 0 && !closing && failed == null && written.records() == seenRecords) {
                left = shown.awaitNanos(left);
            }
            return written.records() != seenRecords;
        } finally {
            lock.unlock();
        }
    }

    /** @param urgent whether the disk is asked for it as soon as it can be */
    boolean awaitProgress(long seenLsn, long seenRecords, Duration timeout, boolean urgent)
            throws InterruptedException {
        lock.lockInterruptibly();
        int one = urgent ? hurry() : 0;
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
            waiting -= one;
            lock.unlock();
        }
    }

    /** One more thread waits; it takes the number returned off again. */
    private int hurry() {
        waiting++;
        if (gathering) {
            work.signal();
        }
        return 1;
    }

    /** Sets the segment that takes the first groups, after opening or when there was no history before. */
    void begin(SegmentWriter first, Durable state) {
        lock.lock();
        try {
            target = first;
            durable = state;
            written = state;
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
            shown.signalAll();
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
            return failed == null && isIdle();
        } finally {
            lock.unlock();
        }
    }

    private void drain() throws IOException {
        checkUsable();
        while (!isIdle()) {
            if (full != null) {
                retry();
            } else {
                await();
            }
        }
    }

    private boolean isIdle() {
        return !busy && filling.records == 0 && unsynced == 0;
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
        int one = hurry();
        try {
            progress.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException)
                    new InterruptedIOException("interrupted while waiting for the queue's disk").initCause(e);
        } finally {
            waiting -= one;
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
            while (failed == null && awaitGroup()) {
                endGroup();
            }
        } catch (InterruptedException e) {
            failed = new InterruptedIOException("the queue's sync thread was interrupted");
        } finally {
            if (failed == null && !closing) {
                // An Error ended the thread: whoever waits must not wait for ever.
                failed = new IOException("the queue's sync thread died");
            }
            progress.signalAll();
            shown.signalAll();
            lock.unlock();
        }
    }

    /** Waits until a group is due; false when the queue is closing and nothing is left, or cannot be written. */
    private boolean awaitGroup() throws InterruptedException {
        if (full != null) {
            if (lastTry) {
                return false;
            }
            lastTry = closing;
            boolean signalled = true;
            while (signalled && !retryNow && !closing) {
                signalled = work.await(FULL_DISK_RETRY.toMillis(), TimeUnit.MILLISECONDS);
            }
            retryNow = false;
            return true;
        }
        while (isIdle() && !closing && failed == null) {
            work.await();
        }
        gather();
        return failed == null && !isIdle();
    }

    private void gather() throws InterruptedException {
        long left = groupEnded + gatheringNanos - System.nanoTime();
        gathering = true;
        try {
            while (mayGather && waiting == 0 && left > 0 && !closing && failed == null && full == null) {
                left = work.awaitNanos(left);
            }
        } finally {
            gathering = false;
        }
    }

    private void endGroup() {
        Durable ended = null;
        try {
            writeFilling();
            target.endGroup(unsynced, written.tail().seq(), written.sourceLsn());
            target.segment().written(target.written());
            nextOffset += GroupTrailer.LENGTH;
            unsynced = 0;
            ended = written;
            forgetFull();
            force();
        } catch (QueueFullException e) {
            full = e;
            attempts++;
        } catch (IOException e) {
            failed = e;
        } catch (RuntimeException e) {
            failed = new IOException("queue stopped", e);
        }
        if (ended != null && failed == null) {
            target.segment().extend(target.end());
            durable = ended;
        }
        busy = false;
        groupEnded = System.nanoTime();
        progress.signalAll();
    }

    private void forgetFull() {
        if (full != null) {
            full = null;
            attempts++;
        }
    }

    /** Others append and write meanwhile. */
    private void force() throws IOException {
        busy = true;
        if (roomWanted) {
            roomWanted = false;
            progress.signalAll();
        }
        lock.unlock();
        try {
            target.force();
        } finally {
            lock.lock();
        }
    }

    private void writeFilling() throws IOException {
        if (filling.records == 0) {
            return;
        }
        target.write(filling.toWrite());
        Position tail = filling.tail == null ? written.tail() : filling.tail;
        long sourceLsn =
                filling.hasLsn ? SegmentStats.later(written.sourceLsn(), filling.sourceLsn) : written.sourceLsn();
        written = new Durable(tail, sourceLsn, written.records() + filling.records);
        unsynced += filling.records;
        filling.clear();
        target.segment().written(target.written());
        shown.signalAll();
    }

    /** Records that were not written yet. */
    private static final class Group {
        private static final int USUAL_BYTES = 1 << 20;

        private ByteBuffer bytes = ByteBuffer.allocate(USUAL_BYTES);
        private int records;
        private Position tail;
        private long sourceLsn;
        private boolean hasLsn;

        void add(RecordHeader header, ByteBuffer image) {
            int needed = bytes.position() + image.remaining();
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
