package dev.replicator.dumps.postgres;

/** The table is no longer what the snapshot saw (rule R03): it leaves this dump and gets a new one. */
public final class TableChangedException extends DumpReadException {
    public TableChangedException(String message) {
        super(message, true, null);
    }

    public TableChangedException(String message, Throwable cause) {
        super(message, true, cause);
    }
}
