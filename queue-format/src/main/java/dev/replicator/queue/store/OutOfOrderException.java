package dev.replicator.queue.store;

import java.io.IOException;

/** A record does not follow the last one: gaps and repetitions are never stored. */
public final class OutOfOrderException extends IOException {
    public OutOfOrderException(String message) {
        super(message);
    }

    public OutOfOrderException(String message, Throwable cause) {
        super(message, cause);
    }
}
