package dev.replicator.capture;

import dev.replicator.queue.Lsn;
import dev.replicator.queue.Position;
import dev.replicator.queue.store.ForkedHistoryException;
import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.queue.wire.CommitLogEntry;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;

/**
 * Compares what the forwarder holds with what we captured, transaction by transaction and as soon as we have it (rule
 * R06): LSN, transaction id and commit time, because a master that was put back may write other rows at the same places.
 * Used by the link's thread.
 */
final class HistoryComparison {
    private final CommitLog log;
    private final Position theirs;
    private final Queue<CommitLogEntry> open;

    /**
     * @param theirs the forwarder's tail
     * @param entries what the forwarder said of its transactions from the last one on that both had, in order
     */
    HistoryComparison(CommitLog log, Position theirs, List<CommitLogEntry> entries) {
        this.log = log;
        this.theirs = theirs;
        this.open = new ArrayDeque<>(entries);
    }

    /**
     * Compares what has not been compared.
     *
     * @throws ForkedHistoryException when the forwarder holds what this master never wrote
     */
    void compare(ReplicationQueue spool) throws IOException {
        // In this order: what becomes durable in between must not look as if the master did not have it.
        long knownLsn = spool.durableLsn();
        Position tail = spool.durableTail();
        if (!theirs.epoch().equals(tail.epoch())) {
            return;
        }
        while (!open.isEmpty() && open.peek().getSeq() <= tail.seq()) {
            CommitEntry held = entry(open.remove());
            Optional<CommitEntry> ours = log.entry(held.seq());
            if (ours.isPresent() && !ours.get().equals(held)) {
                throw forked("it holds " + held.describe() + ", we captured "
                        + ours.get().describe());
            }
        }
        if (tail.seq() < theirs.seq() && Long.compareUnsigned(knownLsn, theirs.lsn()) >= 0) {
            throw forked("it ends with " + theirs + ", but the master's log up to " + Lsn.format(knownLsn)
                    + " ends with " + tail);
        }
    }

    private static CommitEntry entry(CommitLogEntry wire) {
        return new CommitEntry(wire.getSeq(), wire.getTransactionId(), wire.getLsn(), wire.getCommitMicros());
    }

    private static ForkedHistoryException forked(String what) {
        return new ForkedHistoryException("the forwarder's history is not ours: " + what
                + " (capture and master restored from a backup?). Run 'replicator capture --config FILE --new-epoch':"
                + " every slave then gets new dumps");
    }
}
