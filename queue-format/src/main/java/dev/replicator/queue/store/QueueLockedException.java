package dev.replicator.queue.store;

import java.io.IOException;

/** Another process holds the queue's directory. */
public final class QueueLockedException extends IOException {
    public QueueLockedException(String message) {
        super(message);
    }

    public QueueLockedException(String message, Throwable cause) {
        super(message, cause);
    }
}
