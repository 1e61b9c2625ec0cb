package dev.replicator.capture;

import dev.replicator.capture.postgres.Snapshot;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.store.QueueReader;
import dev.replicator.queue.store.ReplicationQueue;
import java.io.IOException;
import java.util.Optional;

/**
 * The commit log: (seq, full transaction id, end LSN, commit time) of every transaction captured, independent of the
 * spool's pruning (rule R02). In memory it holds the transactions above {@code V}, the highest seq up to which every
 * transaction was seen visible; its file holds the rest, back to where the server may begin again (rule R05).
 *
 * <p>The file must be durable up to the spool's pruning point only: {@link #sync()} before pruning. What is newer is
 * read from the spool's headers when the log is opened. Thread-safe.
 */
final class CommitLog implements AutoCloseable {
    private static final int INITIAL_CAPACITY = 1024;

    private CommitLogStore file;

    // Entries firstSeq .. lastSeq, from index start of the arrays.
    private long[] transactionIds = new long[INITIAL_CAPACITY];
    private long[] lsns = new long[INITIAL_CAPACITY];
    private long[] micros = new long[INITIAL_CAPACITY];
    private int start;
    private long firstSeq;
    private long lastSeq;
    private long writtenSeq;
    private long visibleSeq;

    private CommitLog(CommitLogStore file) {
        this.file = file;
        firstSeq = file.baseSeq() + 1;
        lastSeq = file.baseSeq();
        writtenSeq = file.baseSeq();
        visibleSeq = file.baseSeq();
    }

    /**
     * Opens the log beside a spool that has a history and brings it up to the spool's durable tail. A log that is lost,
     * or of another epoch, is made again from what the spool still holds.
     *
     * @throws IOException when log and spool do not fit together
     */
    static CommitLog open(CommitLogs logs, ReplicationQueue spool) throws IOException {
        Position tail = spool.durableTail();
        CommitLogStore file = logs.open(tail.epoch(), tail.seq());
        if (file == null) {
            Position base = firstKnown(spool, tail);
            file = logs.create(base.epoch(), base.seq(), base.lsn());
        }
        CommitLog log = new CommitLog(file);
        // Nothing is known to be visible at the start, so everything is needed in memory until the first poll.
        for (long seq = file.baseSeq() + 1; seq <= file.lastSeq(); seq++) {
            log.append(file.read(seq));
        }
        log.writtenSeq = file.lastSeq();
        log.readSpool(spool);
        if (log.lastSeq != tail.seq()) {
            file.close();
            throw new IOException("the commit log ends at seq " + log.lastSeq + ", the spool at " + tail
                    + ", and the spool does not hold what is between: one of the two was replaced");
        }
        return log;
    }

    /** A new log that begins behind a position; an older one is replaced. */
    static CommitLog create(CommitLogs logs, Position base) throws IOException {
        return new CommitLog(logs.create(base.epoch(), base.seq(), base.lsn()));
    }

    private static Position firstKnown(ReplicationQueue spool, Position tail) throws IOException {
        try (QueueReader reader = spool.readFromStart()) {
            for (RecordHeader header = reader.next(); header != null; header = reader.next()) {
                if (header.isTransaction() && header.position().epoch().equals(tail.epoch())) {
                    return header.position();
                }
            }
        }
        return tail;
    }

    /** Remembers a transaction. Call before the transaction is appended to the spool. */
    synchronized void append(CommitEntry entry) {
        if (entry.seq() != lastSeq + 1) {
            throw new IllegalStateException("commit log ends at seq " + lastSeq + ", got seq " + entry.seq());
        }
        int index = reserve();
        transactionIds[index] = entry.transactionId();
        lsns[index] = entry.lsn();
        micros[index] = entry.commitMicros();
        lastSeq = entry.seq();
    }

    /** Forgets transactions above a seq: they did not become durable. */
    synchronized void truncateAfter(long seq) throws IOException {
        if (seq >= lastSeq) {
            return;
        }
        if (seq < writtenSeq) {
            file.truncateAfter(seq);
            writtenSeq = seq;
        }
        lastSeq = seq;
        visibleSeq = Math.min(visibleSeq, seq);
        if (firstSeq > seq + 1) {
            firstSeq = seq + 1;
            start = 0;
        }
    }

    /**
     * Rule R02: the highest seq such that it and everything before is seen by the snapshot, not above the tail.
     *
     * @param visibleBefore V before the snapshot was taken. What has become visible since need not be seen by the snapshot
     * @param tailSeq the durable tail before the snapshot was taken
     */
    synchronized long baseSeq(long visibleBefore, long tailSeq, Snapshot snapshot) throws IOException {
        if (file.baseSeq() > visibleBefore) {
            return visibleBefore;
        }
        for (long seq = visibleBefore + 1; seq <= Math.min(tailSeq, lastSeq); seq++) {
            if (!snapshot.sees(entry(seq).orElseThrow().transactionId())) {
                return seq - 1;
            }
        }
        return tailSeq;
    }

    /**
     * Moves V on by what a snapshot read from the server sees.
     *
     * @param tailSeq V never passes the durable tail
     */
    synchronized long advanceVisible(long tailSeq, Snapshot snapshot) {
        long limit = Math.min(tailSeq, lastSeq);
        while (visibleSeq < limit && snapshot.sees(transactionIds[index(visibleSeq + 1)])) {
            visibleSeq++;
        }
        dropFromMemory();
        return visibleSeq;
    }

    /** V: every transaction up to it has been seen visible. */
    synchronized long visibleSeq() {
        return visibleSeq;
    }

    synchronized long lastSeq() {
        return lastSeq;
    }

    synchronized Epoch epoch() {
        return file.epoch();
    }

    /** LSN behind which the log knows every transaction. */
    synchronized long baseLsn() {
        return file.baseLsn();
    }

    synchronized long baseSeq() {
        return file.baseSeq();
    }

    /** The entry of a transaction, or empty when the log does not hold it. */
    synchronized Optional<CommitEntry> entry(long seq) throws IOException {
        if (seq <= file.baseSeq() || seq > lastSeq) {
            return Optional.empty();
        }
        if (seq >= firstSeq) {
            int index = index(seq);
            return Optional.of(new CommitEntry(seq, transactionIds[index], lsns[index], micros[index]));
        }
        return Optional.of(file.read(seq));
    }

    /** End LSN of a transaction, or of the log's base; empty when neither. */
    synchronized Optional<Long> lsnOf(long seq) throws IOException {
        return seq == file.baseSeq() ? Optional.of(file.baseLsn()) : entry(seq).map(CommitEntry::lsn);
    }

    /** seq of the first transaction whose end LSN is above a position; {@code lastSeq + 1} when there is none. */
    synchronized long firstAbove(long lsn) throws IOException {
        long low = file.baseSeq() + 1;
        long high = lastSeq + 1;
        while (low < high) {
            long middle = low + (high - low) / 2;
            if (Long.compareUnsigned(entry(middle).orElseThrow().lsn(), lsn) > 0) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    /** Writes what is in memory only, without waiting for the disk. */
    synchronized void flush() throws IOException {
        writeOut();
        dropFromMemory();
    }

    /** Writes what is in memory only and makes the file durable. */
    synchronized void sync() throws IOException {
        writeOut();
        file.sync();
        dropFromMemory();
    }

    /** Gives up entries up to a seq; the file shrinks when that is worth it. */
    synchronized void prune(long seq) throws IOException {
        long upTo = Math.min(seq, Math.min(visibleSeq, writtenSeq));
        if (upTo > file.baseSeq() && file.isWorthPruning(upTo)) {
            file = file.prunedUpTo(upTo);
        }
    }

    /** Closes the file without writing: another log has taken its place. */
    synchronized void discard() throws IOException {
        file.close();
    }

    @Override
    public synchronized void close() throws IOException {
        try {
            sync();
        } finally {
            file.close();
        }
    }

    private void readSpool(ReplicationQueue spool) throws IOException {
        try (QueueReader reader = spool.readFromStart()) {
            for (RecordHeader header = reader.next(); header != null; header = reader.next()) {
                boolean ours =
                        header.isTransaction() && header.position().epoch().equals(file.epoch());
                if (ours && header.seq() > lastSeq) {
                    append(new CommitEntry(header.seq(), header.transactionId(), header.lsn(), header.commitMicros()));
                }
            }
        }
        writeOut();
    }

    private void writeOut() throws IOException {
        for (long seq = writtenSeq + 1; seq <= lastSeq; seq++) {
            int index = index(seq);
            file.append(new CommitEntry(seq, transactionIds[index], lsns[index], micros[index]));
        }
        file.flush();
        writtenSeq = Math.max(writtenSeq, lastSeq);
    }

    private void dropFromMemory() {
        long keepFrom = Math.min(visibleSeq, writtenSeq) + 1;
        if (keepFrom > firstSeq) {
            start += (int) (keepFrom - firstSeq);
            firstSeq = keepFrom;
        }
    }

    private int index(long seq) {
        return start + (int) (seq - firstSeq);
    }

    /** Index for one more entry: moves the entries down, or grows the arrays. */
    private int reserve() {
        int count = (int) (lastSeq - firstSeq + 1);
        if (start + count < lsns.length) {
            return start + count;
        }
        int capacity = count > lsns.length / 2 ? lsns.length * 2 : lsns.length;
        transactionIds = moved(transactionIds, count, capacity);
        lsns = moved(lsns, count, capacity);
        micros = moved(micros, count, capacity);
        start = 0;
        return count;
    }

    private long[] moved(long[] from, int count, int capacity) {
        long[] to = new long[capacity];
        System.arraycopy(from, start, to, 0, count);
        return to;
    }
}
