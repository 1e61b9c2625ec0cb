package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;
import java.util.Set;

/**
 * A batch on the fast path met a constraint, an unexpected row count, or a history that does not net. The transaction
 * must be rolled back and the batch replayed row by row; only what fails there is an error (rule R18, R23).
 */
public final class BatchConflictException extends Exception {
    private final transient Set<TableName> tables;

    public BatchConflictException(Set<TableName> tables, String reason, Throwable cause) {
        super(reason, cause);
        this.tables = Set.copyOf(tables);
    }

    /** The tables that caused it; empty when the database did not say. */
    public Set<TableName> tables() {
        return tables;
    }
}
