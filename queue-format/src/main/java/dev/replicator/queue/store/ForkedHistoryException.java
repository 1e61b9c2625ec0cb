package dev.replicator.queue.store;

import java.io.IOException;

/** A position's epoch or LSN is not that of our record of the same seq: the histories differ. */
public final class ForkedHistoryException extends IOException {
    public ForkedHistoryException(String message) {
        super(message);
    }

    public ForkedHistoryException(String message, Throwable cause) {
        super(message, cause);
    }
}
