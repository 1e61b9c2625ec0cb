package dev.replicator.capture.postgres;

import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.SocketFactory;

/**
 * A socket on which looking for a message can take longer than a millisecond. pgjdbc looks by reading with that timeout: data
 * ends the wait at once, but each look that finds none costs an exception, a thousand times a second. Used by one thread.
 */
final class PollSocket extends Socket {
    /** The timeout by which {@code PGStream.hasMessagePending} of pgjdbc 42.7 is known. */
    private static final int LOOK_MILLIS = 1;

    private int waitMillis = LOOK_MILLIS;

    /** How long a look from now on may wait for a message. */
    void waitFor(int millis) {
        waitMillis = millis;
    }

    @Override
    public void setSoTimeout(int millis) throws SocketException {
        super.setSoTimeout(millis == LOOK_MILLIS ? waitMillis : millis);
    }

    /**
     * Makes the sockets of connections. pgjdbc creates factories by the name of their class, so that the socket of a connection
     * is found again by a key that its properties hold.
     */
    public static final class Factory extends SocketFactory {
        private static final Map<String, PollSocket> CREATED = new ConcurrentHashMap<>();

        private final String key;

        /** @param key the value of pgjdbc's {@code socketFactoryArg} */
        public Factory(String key) {
            this.key = key;
        }

        /** The last socket made for a key, once; null when the connection has a factory of somebody else's choice. */
        static PollSocket take(String key) {
            return CREATED.remove(key);
        }

        @Override
        public Socket createSocket() {
            PollSocket socket = new PollSocket();
            CREATED.put(key, socket);
            return socket;
        }

        @Override
        public Socket createSocket(String host, int port) {
            throw unconnected();
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress local, int localPort) {
            throw unconnected();
        }

        @Override
        public Socket createSocket(InetAddress host, int port) {
            throw unconnected();
        }

        @Override
        public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
            throw unconnected();
        }

        private static UnsupportedOperationException unconnected() {
            return new UnsupportedOperationException("pgjdbc connects its sockets itself");
        }
    }
}
