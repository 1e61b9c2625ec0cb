package dev.replicator.capture.postgres;

import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import javax.net.SocketFactory;

/**
 * A socket that decides how long pgjdbc looks for a message. By itself pgjdbc looks in three places, each by a read with a
 * timeout of a millisecond:
 *
 * <ul>
 *   <li>For the next message. Each look that finds none costs an exception, a thousand times a second.
 *   <li>Again after each keepalive. Where the master writes much that is not for us, keepalives come without a pause, and the
 *       look for a message does not end.
 *   <li>Twice while a confirmation is sent, so that it leaves late and the next message is taken late.
 * </ul>
 *
 * Here one look takes as long as {@link #lookFor} says in all, and a look at any other time ends at once. Used by one thread.
 */
final class PollSocket extends Socket {
    /** The timeout by which {@code PGStream.hasMessagePending} of pgjdbc 42.7 is known. */
    private static final int LOOK_MILLIS = 1;

    /** Thrown some thousand times a minute: without a stack trace. */
    private static final class LookEndedException extends SocketTimeoutException {
        private static final long serialVersionUID = 1L;

        LookEndedException() {
            super("nothing has come in time");
        }

        @Override
        public Throwable fillInStackTrace() {
            return this;
        }
    }

    private boolean polled;
    private boolean looking;
    private int waitMillis = LOOK_MILLIS;
    private long until;

    /** Until {@link #stopLooking}, looks for messages take so long in all. */
    void lookFor(int millis) {
        polled = true;
        waitMillis = millis;
        until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    }

    /** From now on a look finds only what pgjdbc has read already. */
    void stopLooking() {
        waitMillis = 0;
    }

    private boolean isOver() {
        return waitMillis == 0 || System.nanoTime() - until >= 0;
    }

    @Override
    public void setSoTimeout(int millis) throws SocketException {
        looking = polled && millis == LOOK_MILLIS;
        super.setSoTimeout(looking ? Math.max(waitMillis, LOOK_MILLIS) : millis);
    }

    @Override
    public InputStream getInputStream() throws IOException {
        return new LookStream(super.getInputStream());
    }

    /** What comes in, as far as it is looked for. */
    private final class LookStream extends FilterInputStream {
        LookStream(InputStream in) {
            super(in);
        }

        @Override
        public int available() throws IOException {
            return polled && isOver() ? 0 : in.available();
        }

        @Override
        public int read() throws IOException {
            mayRead();
            return unlessClosed(in.read());
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            mayRead();
            return unlessClosed(in.read(bytes, offset, length));
        }

        /** pgjdbc takes the end of the stream for nothing to read. */
        private int unlessClosed(int read) throws EOFException {
            if (looking && read < 0) {
                throw new EOFException("the server has closed the connection");
            }
            return read;
        }

        private void mayRead() throws LookEndedException {
            if (looking && isOver()) {
                throw new LookEndedException();
            }
        }
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
