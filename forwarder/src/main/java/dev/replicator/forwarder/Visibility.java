package dev.replicator.forwarder;

import dev.replicator.queue.store.ReplicationQueue;
import java.io.IOException;
import java.util.OptionalLong;

/**
 * V of rule R02: the highest seq up to which every transaction has been seen visible on the master, as capture told
 * last. Kept in the queue's values, because a restart must not forget it. Thread-safe.
 */
final class Visibility {
    private static final String KEY = "visible-seq";

    private final ReplicationQueue queue;
    private long visibleSeq = -1;
    private long storedSeq = -1;

    Visibility(ReplicationQueue queue) {
        this.queue = queue;
    }

    synchronized void open() throws IOException {
        visibleSeq = Long.parseLong(queue.values().get(KEY).orElse("-1"));
        storedSeq = visibleSeq;
    }

    /** Capture's latest word; V never goes back. */
    synchronized void report(long seq) {
        visibleSeq = Math.max(visibleSeq, seq);
    }

    /** Empty while no capture ever told: then nothing may be pruned. */
    synchronized OptionalLong visibleSeq() {
        return visibleSeq < 0 ? OptionalLong.empty() : OptionalLong.of(visibleSeq);
    }

    synchronized void flush() throws IOException {
        if (visibleSeq != storedSeq) {
            queue.values().put(KEY, Long.toString(visibleSeq));
            storedSeq = visibleSeq;
        }
    }

    /**
     * Why a dump taken now could not meet the queue, or null. When the budget has overridden V, a snapshot may not see a
     * transaction that is in the queue no more: dumps wait until the master has shown all that is gone.
     */
    synchronized String obstacleToDumps() {
        if (visibleSeq < 0 || !queue.hasHistory() || visibleSeq + 1 >= queue.firstSeq()) {
            return null;
        }
        return "the queue begins at seq " + queue.firstSeq()
                + ", the master has shown only what was committed up to seq "
                + visibleSeq + ": dumps wait until everybody there sees the rest (a synchronous standby that does not"
                + " answer holds it back)";
    }

    /** A dump ordered now has a baseSeq that is not below this. */
    synchronized long holdForNewDump() {
        long tail = queue.hasHistory() ? queue.durableTail().seq() : 0;
        return Math.max(0, Math.min(visibleSeq, tail));
    }
}
