package dev.replicator.slave.postgres;

/**
 * Tells whether the transactions of one session were the only ones at work in the server since a look before: whoever changes
 * a catalogue has a transaction id, ids are given out without gaps, and a snapshot tells which are still in progress
 * (PostgreSQL manual, "pg_snapshot Components"). Most slaves are written by their replicator alone.
 *
 * <p>Each look is answered by {@link #QUESTION} within a transaction that has an id.
 */
final class SoleWriter {
    /** {@code xmin:xmax:others in progress:own id}. */
    static final String QUESTION = "SELECT concat(pg_current_snapshot(), ':', pg_current_xact_id())";

    /** Own id at the last look, when nobody else was at work; else 0. */
    private long last;

    /** Whether the next look may find that nobody else was at work since the last one. */
    boolean isAlone() {
        return last != 0;
    }

    /**
     * Takes the answer to the next look.
     *
     * @return whether nobody else has been at work since the last look: what was committed then is all there is. False also
     *     when it cannot be told
     */
    boolean observe(String answer) {
        long own = Long.parseLong(answer.substring(answer.lastIndexOf(':') + 1));
        // All before ours have ended, and of those behind none: one that ends later leaves a gap before our next.
        boolean alone = answer.equals(own + ":" + own + "::" + own);
        boolean since = alone && last != 0 && (own == last || own == last + 1);
        last = alone ? own : 0;
        return since;
    }
}
