package dev.replicator.queue.store;

import java.io.IOException;

/** The record behind a position is no longer in the queue: its reader needs a re-sync. */
public final class PositionPrunedException extends IOException {
    public PositionPrunedException(String message) {
        super(message);
    }

    public PositionPrunedException(String message, Throwable cause) {
        super(message, cause);
    }
}
