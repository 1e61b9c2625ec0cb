package dev.replicator.capture.postgres;

import java.io.IOException;

/** The server sent something that pgoutput's protocol version 1 does not allow. */
public final class ProtocolException extends IOException {
    public ProtocolException(String message) {
        super(message);
    }

    public ProtocolException(String message, Throwable cause) {
        super(message, cause);
    }
}
