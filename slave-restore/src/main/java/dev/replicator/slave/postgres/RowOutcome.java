package dev.replicator.slave.postgres;

/**
 * What became of one change in careful mode.
 *
 * @param kind result
 * @param conflict null when the change fitted; with {@link Kind#APPLIED} what overwriting solved
 */
public record RowOutcome(Kind kind, Conflict conflict) {
    static final RowOutcome APPLIED = new RowOutcome(Kind.APPLIED, null);

    /** Result. */
    public enum Kind {
        /** The row is as the master's. */
        APPLIED,
        /** Dropped by policy skip: record the conflict in the same transaction. */
        SKIPPED,
        /** Not applied: under stop and stop-slave the transaction must be rolled back. */
        CONFLICT
    }
}
