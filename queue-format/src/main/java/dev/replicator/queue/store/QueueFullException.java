package dev.replicator.queue.store;

import java.io.IOException;

/** The disk is full. Nothing was stored; going on is possible when space returns. */
public final class QueueFullException extends IOException {
    public QueueFullException(String message) {
        super(message);
    }

    public QueueFullException(String message, Throwable cause) {
        super(message, cause);
    }
}
