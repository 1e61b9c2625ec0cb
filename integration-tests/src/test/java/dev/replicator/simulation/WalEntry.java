package dev.replicator.simulation;

import dev.replicator.queue.ChangeKind;
import java.util.List;

/**
 * A commit record of the master's log with all that it commits.
 *
 * @param beginLsn where the record begins
 * @param endLsn where it ends
 * @param xid full transaction id
 * @param micros commit time; no two are the same, whatever is restored
 * @param changes row changes, in order
 * @param message content of a logical message, or null
 * @param definition change of a table's definition, or null
 */
public record WalEntry(
        long beginLsn,
        long endLsn,
        long xid,
        long micros,
        List<Change> changes,
        String message,
        Definition definition) {

    /**
     * A row change.
     *
     * @param published whether the table was published when the row was written
     * @param oldId key before; null for an insert or TRUNCATE
     * @param oldRest the other columns before
     * @param id key after; null for a delete or TRUNCATE
     * @param rest the other columns after
     * @param bigUnchanged whether the stream leaves out the last column
     */
    public record Change(
            String table,
            boolean published,
            ChangeKind kind,
            String oldId,
            String oldRest,
            String id,
            String rest,
            boolean bigUnchanged) {}

    /** A change of a definition. */
    public record Definition(String table, Kind kind, long number) {}

    /** Kinds of {@link Definition}. */
    public enum Kind {
        PUBLISH,
        UNPUBLISH,
        REWRITE,
        VACUUM_FULL
    }

    /** Whether anything in it reaches the stream as a row change. */
    public boolean isStreamed() {
        return changes.stream().anyMatch(Change::published);
    }
}
