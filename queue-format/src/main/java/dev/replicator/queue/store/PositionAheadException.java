package dev.replicator.queue.store;

import java.io.IOException;

/** A position lies beyond the tail: its owner waits until the queue has it, then compares. */
public final class PositionAheadException extends IOException {
    public PositionAheadException(String message) {
        super(message);
    }

    public PositionAheadException(String message, Throwable cause) {
        super(message, cause);
    }
}
