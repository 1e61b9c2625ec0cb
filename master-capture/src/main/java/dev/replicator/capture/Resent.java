package dev.replicator.capture;

import dev.replicator.queue.Position;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import java.io.IOException;

/**
 * What the server sends again after a reconnect, compared with the commit log (rule R05): the same transactions in the
 * same order, up to the tail. Used by the reader.
 */
final class Resent {
    private final CommitLog log;
    private final Position tail;
    private long nextSeq;

    /**
     * @param tail what the spool holds; transactions at or below are expected to come again
     * @param confirmedLsn where the server begins
     */
    Resent(CommitLog log, Position tail, long confirmedLsn) throws IOException {
        this.log = log;
        this.tail = tail;
        this.nextSeq = log.firstAbove(confirmedLsn);
    }

    /** Whether a transaction lies at or below the tail, by where its commit record begins. */
    boolean covers(long commitLsn) {
        return Long.compareUnsigned(commitLsn, tail.lsn()) < 0;
    }

    /**
     * Whether transactions at or below the tail have still to come again. Until then nothing may be confirmed: a master that was
     * put back would begin behind them after the next connect, and nobody could compare any more.
     */
    boolean isPending() {
        return nextSeq <= tail.seq();
    }

    /** A transaction with changes came again. */
    void compare(long transactionId, long endLsn, long commitMicros) throws IOException {
        CommitEntry expected = log.entry(nextSeq).orElse(null);
        CommitEntry actual = new CommitEntry(nextSeq, transactionId, endLsn, commitMicros);
        if (!actual.equals(expected)) {
            throw forked("the master sent " + actual.describe() + " where our record is "
                    + (expected == null ? "missing" : expected.describe()));
        }
        nextSeq++;
    }

    /** The first transaction above the tail begins: everything up to it must have come. */
    void end() throws IOException {
        if (isPending()) {
            throw forked("the master no longer has "
                    + log.entry(nextSeq).orElseThrow().describe() + ", which we captured");
        }
    }

    private ReplicatorException forked(String what) {
        return new ReplicatorException(
                ErrorCode.FORKED_HISTORY,
                "reading the master's log again up to " + tail + ": " + what
                        + ": its history is not the one we captured (restored from a backup or a disk snapshot?)",
                "Everything after seq " + (nextSeq - 1)
                        + " is unknown. Run 'replicator capture --config FILE --new-epoch':"
                        + " every slave then gets new dumps.");
    }
}
