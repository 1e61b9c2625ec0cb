package dev.replicator.capture;

import dev.replicator.queue.Position;

/** Whether a history can be continued from where the master begins again (rules R05, R07). No input, no output. */
final class Continuity {
    private Continuity() {}

    /** Whether the master's log ends before what was captured of it: then it went back in time. */
    static boolean wentBack(long flushLsn, long durableLsn) {
        return Long.compareUnsigned(flushLsn, durableLsn) < 0;
    }

    /**
     * Whether spool and commit log hold all that the server may have forgotten.
     *
     * @param confirmedLsn where the server begins
     * @param durableLsn how far the spool knows the source
     * @param logBaseLsn behind which the commit log knows every transaction
     */
    static boolean reaches(long confirmedLsn, long durableLsn, long logBaseLsn) {
        return isWithin(confirmedLsn, durableLsn) && isWithin(logBaseLsn, confirmedLsn);
    }

    /** Whether the server still has everything behind what is known. */
    static boolean isWithin(long confirmedLsn, long knownLsn) {
        return Long.compareUnsigned(confirmedLsn, knownLsn) <= 0;
    }

    /** Whether the forwarder's history may replace ours, which does not prove continuity. */
    static boolean mayAdopt(Position ours, Position theirs) {
        return theirs.epoch().equals(ours.epoch()) && theirs.seq() >= ours.seq();
    }
}
