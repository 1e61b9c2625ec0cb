package dev.replicator.capture;

import java.io.IOException;

/** Nobody wants the dump any more, or capture stops. */
final class DumpCancelledException extends IOException {
    DumpCancelledException(String message) {
        super(message);
    }
}
