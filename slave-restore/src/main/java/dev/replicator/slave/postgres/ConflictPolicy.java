package dev.replicator.slave.postgres;

/** What happens when a change does not fit the target's rows ({@code apply.on-conflict}). */
public enum ConflictPolicy {
    /** The table is parked, the slave's other tables flow. */
    STOP,
    /** The lane stops. */
    STOP_SLAVE,
    /** The master's row wins where that is possible without inventing values. */
    OVERWRITE,
    /** The change is dropped and recorded with its row image. */
    SKIP
}
