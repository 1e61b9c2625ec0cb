package dev.replicator.forwarder;

import dev.replicator.queue.format.RecordHeader;
import java.util.Map;
import java.util.TreeMap;

/** When transactions were committed on the master, sampled: tells how old what a slave has not applied is. Thread-safe. */
final class CommitTimes {
    private static final int SAMPLES_MAX = 20_000;
    private static final long SAMPLE_MICROS = 100_000;

    private final TreeMap<Long, Long> microsBySeq = new TreeMap<>();
    private volatile long transactions;
    private long lastSampleMicros;

    /** A transaction came in. Called for every one of them, so it does little. */
    void note(RecordHeader header) {
        transactions++;
        long commit = header.commitMicros();
        if (commit - lastSampleMicros >= SAMPLE_MICROS || commit < lastSampleMicros) {
            lastSampleMicros = commit;
            sample(header.seq(), commit);
        }
    }

    private synchronized void sample(long seq, long commitMicros) {
        microsBySeq.put(seq, commitMicros);
        if (microsBySeq.size() > SAMPLES_MAX) {
            microsBySeq.pollFirstEntry();
        }
    }

    /** Age in microseconds of the oldest transaction behind {@code appliedSeq}; 0 when it cannot be told. */
    synchronized long lagMicros(long appliedSeq, long nowMicros) {
        Map.Entry<Long, Long> next = microsBySeq.higherEntry(appliedSeq);
        if (next == null) {
            next = microsBySeq.lastEntry();
        }
        return next == null ? 0 : Math.max(0, nowMicros - next.getValue());
    }

    /** Transactions taken in since the start. */
    long transactions() {
        return transactions;
    }
}
