package dev.replicator.slave.lane;

import dev.replicator.queue.Position;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Which commits of a session with {@code synchronous_commit = off} are durable (rule R15). Not thread-safe.
 */
final class FlushTracker {
    private static final int PAGE = 8192;
    private static final int SEGMENT = 16 << 20;
    private static final int PAGE_HEADER = 24;
    private static final int SEGMENT_HEADER = 40;

    private final Deque<Commit> waiting = new ArrayDeque<>();
    private Position unplaced;

    private record Commit(Position position, long lsn) {}

    /** A transaction has been committed; where its commit record ends is not known yet. */
    void committed(Position position) {
        unplaced = position;
    }

    /**
     * Takes the log's positions, read after the last {@link #committed}.
     *
     * @return the newest position that is durable and was not told before, or null
     */
    Position observe(long insertLsn, long flushedLsn) {
        if (unplaced != null) {
            waiting.add(new Commit(unplaced, pageStart(insertLsn)));
            unplaced = null;
        }
        Position durable = null;
        while (!waiting.isEmpty() && Long.compareUnsigned(waiting.peek().lsn(), flushedLsn) <= 0) {
            durable = waiting.remove().position();
        }
        return durable;
    }

    /**
     * A commit that waited for the disk came back: everything before it is durable, too.
     *
     * @return the newest position, or null when nothing waited
     */
    Position allDurable() {
        Position newest = unplaced != null || waiting.isEmpty()
                ? unplaced
                : waiting.getLast().position();
        waiting.clear();
        unplaced = null;
        return newest;
    }

    /** Whether anything waits to become durable. */
    boolean isWaiting() {
        return unplaced != null || !waiting.isEmpty();
    }

    /**
     * An insert position right behind a page header is that page's start: nothing has been written there, and the flush
     * position stops before the header for as long as nobody writes.
     */
    static long pageStart(long lsn) {
        long inPage = lsn & (PAGE - 1);
        long inSegment = lsn & (SEGMENT - 1);
        if (inSegment == SEGMENT_HEADER) {
            return lsn - SEGMENT_HEADER;
        }
        return inPage == PAGE_HEADER ? lsn - PAGE_HEADER : lsn;
    }
}
