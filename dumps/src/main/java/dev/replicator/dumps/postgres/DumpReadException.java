package dev.replicator.dumps.postgres;

/** A table could not be read. What was read of it so far is worthless. */
public class DumpReadException extends Exception {
    private final boolean retry;

    /**
     * @param message what was attempted, on what, what happened, what to do
     * @param retry whether a new dump under a new snapshot may succeed without anybody's help
     */
    public DumpReadException(String message, boolean retry, Throwable cause) {
        super(message, cause);
        this.retry = retry;
    }

    /** Whether a new dump under a new snapshot may succeed without anybody's help. */
    public final boolean retry() {
        return retry;
    }
}
