package dev.replicator.dumps.postgres;

/** Somebody's lock and ours were in each other's way for too long (rule R21): the table is read later. */
public final class LockWaitException extends DumpReadException {
    public LockWaitException(String message, Throwable cause) {
        super(message, true, cause);
    }
}
