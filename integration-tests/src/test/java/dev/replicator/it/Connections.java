package dev.replicator.it;

import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;

/** How the proxies end a connection. */
final class Connections {
    private Connections() {}

    /** Closes a socket so that the other side sees a reset, as a broken network does; one that is closed stays so. */
    static void reset(Socket socket) throws IOException {
        try (socket) {
            socket.setSoLinger(true, 0);
        } catch (SocketException ignored) {
            // whoever reads from it was faster: it is closed
        }
    }
}
