package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;

/** A table cannot be applied to until somebody mends it: it is parked with the reason and the hint. */
public final class TableException extends Exception {
    private final TableName table;
    private final String hint;

    public TableException(TableName table, String reason, String hint) {
        this(table, reason, hint, null);
    }

    /**
     * @param table the target table
     * @param reason what was attempted and why it failed, without row values
     * @param hint what to do, with the SQL statement where one mends it
     */
    public TableException(TableName table, String reason, String hint, Throwable cause) {
        super(reason, cause);
        this.table = table;
        this.hint = hint;
    }

    public TableName table() {
        return table;
    }

    public String reason() {
        return getMessage();
    }

    public String hint() {
        return hint;
    }
}
