package dev.replicator.capture;

import java.io.IOException;

/** The daemon stops, or the session must be opened anew; nothing has failed on disk. */
final class SessionEndedException extends IOException {
    SessionEndedException(String message) {
        super(message);
    }

    SessionEndedException(String message, Throwable cause) {
        super(message, cause);
    }
}
