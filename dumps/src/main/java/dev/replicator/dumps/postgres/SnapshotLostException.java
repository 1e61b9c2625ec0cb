package dev.replicator.dumps.postgres;

/** The snapshot is gone with the session that held it: every unfinished table of it needs a new dump. */
public final class SnapshotLostException extends DumpReadException {
    public SnapshotLostException(String message, Throwable cause) {
        super(message, true, cause);
    }
}
