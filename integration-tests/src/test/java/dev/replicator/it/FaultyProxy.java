package dev.replicator.it;

import dev.replicator.embedded.Await;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A TCP proxy on the loopback that does what networks do: cuts connections, stops carrying them, swallows what they carry
 * while both ends believe in them, delivers late what was sent on a connection that is long given up, and flips bits. Every
 * fault begins when the test says so and hits the connections there are; new ones are carried as they should be.
 */
public final class FaultyProxy implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final ServerSocket server;
    private final InetSocketAddress upstream;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Connections that are carried. */
    private final List<Link> links = new ArrayList<>();
    /** All there ever were: some have one end that was never told. */
    private final List<Link> ever = new ArrayList<>();

    private byte[] pattern;
    private Way patternWay;
    private int flips;

    /** Which way bytes go. */
    public enum Way {
        /** From a client (capture, slave) to the forwarder. */
        TO_SERVER,
        /** From the forwarder to a client. */
        TO_CLIENT
    }

    /** What happens to bytes that are read. */
    private enum Fate {
        CARRY,
        STALL,
        SWALLOW,
        KEEP
    }

    public FaultyProxy(String upstreamAddress) throws IOException {
        int colon = upstreamAddress.lastIndexOf(':');
        upstream = new InetSocketAddress(
                upstreamAddress.substring(0, colon), Integer.parseInt(upstreamAddress.substring(colon + 1)));
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        thread("proxy-accept", this::accept);
    }

    public String address() {
        return "127.0.0.1:" + server.getLocalPort();
    }

    /** Connections made so far. */
    public int connections() {
        lock.lock();
        try {
            return ever.size();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until more connections than that have been made. */
    public void awaitMoreThan(int connections) {
        Await.until("a new connection through the proxy", PATIENCE, () -> connections() > connections);
    }

    /** Resets every connection, at both ends. */
    public void cut() throws IOException {
        for (Link link : current()) {
            link.reset(link.client);
            link.reset(link.forwarder);
        }
    }

    /** Carries nothing on the connections there are: writers feel it when the buffers in between are full. */
    public void stall() {
        current().forEach(link -> link.fate(Fate.STALL));
    }

    /** Swallows what comes on the connections there are, both ways; neither end is told. */
    public void swallow() {
        current().forEach(link -> link.fate(Fate.SWALLOW));
    }

    /** Goes on carrying what was stalled. */
    public void carry() {
        current().forEach(link -> link.fate(Fate.CARRY));
    }

    /** Keeps what clients send from now on, as a slow path does; the forwarder sees connections that say nothing. */
    public List<Late> keepWhatClientsSend() {
        List<Late> late = new ArrayList<>();
        for (Link link : current()) {
            link.fate(Fate.KEEP);
            late.add(link);
        }
        return late;
    }

    /** A connection whose client has gone on to another one while its bytes were still on their way. */
    public interface Late {
        /** Resets the client's end only. */
        void abandonClient() throws IOException;

        /** Whether a text is in what was kept. */
        boolean keeps(String text);

        /** Hands the forwarder what was kept, on the old connection. */
        void deliver() throws IOException;
    }

    /** Flips a bit of the next occurrence of a text, on whatever connection it comes. */
    public void flipNext(Way way, String text) {
        lock.lock();
        try {
            pattern = text.getBytes(StandardCharsets.ISO_8859_1);
            patternWay = way;
        } finally {
            lock.unlock();
        }
    }

    /** Bits flipped so far. */
    public int flips() {
        lock.lock();
        try {
            return flips;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until a bit was flipped that {@link #flipNext} asked for. */
    public void awaitFlip(int formerly) {
        Await.until("the proxy has flipped a bit", PATIENCE, () -> flips() > formerly);
    }

    @Override
    public void close() throws IOException {
        server.close();
        lock.lock();
        try {
            for (Link link : ever) {
                link.reset(link.client);
                link.reset(link.forwarder);
            }
        } finally {
            lock.unlock();
        }
    }

    private List<Link> current() {
        lock.lock();
        try {
            return List.copyOf(links);
        } finally {
            lock.unlock();
        }
    }

    private void accept() {
        try {
            while (true) {
                connect(server.accept());
            }
        } catch (IOException ignored) {
            // the proxy was closed
        }
    }

    private void connect(Socket client) throws IOException {
        Socket forwarder;
        try {
            forwarder = new Socket(upstream.getAddress(), upstream.getPort());
        } catch (IOException nobodyListens) {
            client.close();
            return;
        }
        Link link = new Link(client, forwarder);
        lock.lock();
        try {
            ever.add(link);
            links.add(link);
        } finally {
            lock.unlock();
        }
        link.start();
    }

    /** Flips the last byte of the pattern if it ends within what was just read. */
    private void flip(Way way, byte[] before, byte[] buffer, int count) {
        if (pattern == null || way != patternWay) {
            return;
        }
        byte[] seen = new byte[before.length + count];
        System.arraycopy(before, 0, seen, 0, before.length);
        System.arraycopy(buffer, 0, seen, before.length, count);
        int at =
                new String(seen, StandardCharsets.ISO_8859_1).indexOf(new String(pattern, StandardCharsets.ISO_8859_1));
        int last = at + pattern.length - 1 - before.length;
        if (at >= 0 && last >= 0) {
            buffer[last] ^= 1;
            pattern = null;
            flips++;
        }
    }

    private static void thread(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    /** One client's connection and ours to the forwarder. */
    private final class Link implements Late {
        private final Socket client;
        private final Socket forwarder;
        private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
        private Fate fate = Fate.CARRY;

        Link(Socket client, Socket forwarder) {
            this.client = client;
            this.forwarder = forwarder;
        }

        void start() {
            thread("proxy-up", () -> pump(Way.TO_SERVER, client, forwarder));
            thread("proxy-down", () -> pump(Way.TO_CLIENT, forwarder, client));
        }

        void fate(Fate next) {
            lock.lock();
            try {
                fate = next;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        void reset(Socket socket) throws IOException {
            fate(Fate.CARRY);
            Connections.reset(socket);
        }

        private void pump(Way way, Socket from, Socket to) {
            byte[] buffer = new byte[16384];
            byte[] before = new byte[0];
            try {
                InputStream in = from.getInputStream();
                OutputStream out = to.getOutputStream();
                for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                    if (carries(way, before, buffer, count)) {
                        out.write(buffer, 0, count);
                        out.flush();
                    }
                    before = java.util.Arrays.copyOfRange(buffer, Math.max(0, count - 64), count);
                }
                end();
            } catch (IOException | InterruptedException ignored) {
                end();
            }
        }

        private boolean carries(Way way, byte[] before, byte[] buffer, int count) throws InterruptedException {
            lock.lockInterruptibly();
            try {
                while (fate == Fate.STALL) {
                    changed.await();
                }
                if (fate == Fate.KEEP && way == Way.TO_SERVER) {
                    kept.write(buffer, 0, count);
                    return false;
                }
                flip(way, before, buffer, count);
                return fate == Fate.CARRY || fate == Fate.KEEP;
            } finally {
                lock.unlock();
            }
        }

        /** One end went away: so does the other, unless it shall not know yet. */
        private void end() {
            lock.lock();
            try {
                links.remove(this);
                if (fate == Fate.KEEP || fate == Fate.SWALLOW) {
                    return;
                }
            } finally {
                lock.unlock();
            }
            try {
                Connections.reset(client);
                Connections.reset(forwarder);
            } catch (IOException ignored) {
                // closed already
            }
        }

        @Override
        public void abandonClient() throws IOException {
            Connections.reset(client);
        }

        @Override
        public boolean keeps(String text) {
            lock.lock();
            try {
                return kept.toString(StandardCharsets.ISO_8859_1).contains(text);
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void deliver() throws IOException {
            byte[] late;
            lock.lock();
            try {
                late = kept.toByteArray();
            } finally {
                lock.unlock();
            }
            forwarder.getOutputStream().write(late);
            forwarder.getOutputStream().flush();
        }
    }
}
