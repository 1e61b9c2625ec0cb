package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;

/**
 * A change that does not fit the target's rows.
 *
 * @param table target table
 * @param kind what did not fit
 * @param detail what was attempted and what was found, without row values
 * @param key the row's key as {@code column=value, ...}, for the conflict table only: never log it
 * @param rowImage the change as JSON {@code {"op","before","after"}}, for the conflict table only;
 *     null where no single change is to blame
 * @param advice what on the slave's side may be at the bottom of it, with the statement that mends it; often empty
 */
public record Conflict(TableName table, Kind kind, String detail, String key, String rowImage, String advice) {

    /** What did not fit. */
    public enum Kind {
        /** A row with this key exists already. */
        UNIQUE,
        /** The row to change is not there. */
        MISSING_ROW,
        /** More than one row answers to the key. */
        SEVERAL_ROWS,
        /** A foreign key of the slave refuses it. */
        FOREIGN_KEY,
        /** A check, not-null or exclusion constraint. */
        CONSTRAINT
    }
}
