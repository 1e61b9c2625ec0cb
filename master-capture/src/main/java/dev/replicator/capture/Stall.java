package dev.replicator.capture;

import java.io.IOException;

/** What the reader does while it cannot store: it stays in touch with the server. */
@FunctionalInterface
interface Stall {
    /**
     * Waits a moment.
     *
     * @param why for the status
     * @throws IOException when the session ends meanwhile
     */
    void await(String why) throws IOException;
}
