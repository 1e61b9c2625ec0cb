package dev.replicator.it;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A TCP proxy on the loopback that remembers every byte that came from the server's side, and can cut connections. */
public final class RecordingProxy implements AutoCloseable {
    private final ServerSocket server;
    private final InetSocketAddress upstream;
    private final ByteArrayOutputStream received = new ByteArrayOutputStream();
    private final List<Socket> sockets = new ArrayList<>();

    public RecordingProxy(String upstreamAddress) throws IOException {
        int colon = upstreamAddress.lastIndexOf(':');
        upstream = new InetSocketAddress(
                upstreamAddress.substring(0, colon), Integer.parseInt(upstreamAddress.substring(colon + 1)));
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        thread("proxy-accept", this::accept);
    }

    public String address() {
        return "127.0.0.1:" + server.getLocalPort();
    }

    public boolean received(String text) {
        synchronized (received) {
            return received.toString(StandardCharsets.ISO_8859_1).contains(text);
        }
    }

    public int receivedBytes() {
        synchronized (received) {
            return received.size();
        }
    }

    /** Cuts all connections there are, as a broken network does. */
    public void cut() throws IOException {
        synchronized (sockets) {
            for (Socket socket : sockets) {
                Connections.reset(socket);
            }
            sockets.clear();
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        cut();
    }

    private void accept() {
        try {
            while (true) {
                Socket client = server.accept();
                Socket remote = new Socket(upstream.getAddress(), upstream.getPort());
                synchronized (sockets) {
                    sockets.add(client);
                    sockets.add(remote);
                }
                thread("proxy-up", () -> pump(client, remote, false));
                thread("proxy-down", () -> pump(remote, client, true));
            }
        } catch (IOException ignored) {
            // the proxy was closed
        }
    }

    private void pump(Socket from, Socket to, boolean record) {
        byte[] buffer = new byte[16384];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                if (record) {
                    synchronized (received) {
                        received.write(buffer, 0, count);
                    }
                }
                out.write(buffer, 0, count);
                out.flush();
            }
        } catch (IOException ignored) {
            // one side went away: closing both is all there is to do
        }
    }

    private static void thread(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }
}
