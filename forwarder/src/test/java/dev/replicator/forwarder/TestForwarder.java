package dev.replicator.forwarder;

import dev.replicator.queue.Position;
import dev.replicator.queue.wire.SlaveLinkGrpc;
import dev.replicator.runtime.config.Secret;
import dev.replicator.runtime.net.Channels;
import dev.replicator.runtime.net.Endpoint;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A forwarder in a temporary directory, on a free port, with the means to act as its peers. */
final class TestForwarder implements AutoCloseable {
    private final Path directory;
    private final List<AutoCloseable> peers = new ArrayList<>();
    private String queueOptions = "";
    private ForwarderDaemon daemon;
    private int port;

    TestForwarder(Path directory) throws IOException {
        this.directory = directory;
        Files.createDirectories(directory.resolve("slaves.d"));
    }

    TestForwarder queueOptions(String options) {
        queueOptions = options;
        return this;
    }

    TestForwarder slave(String name, String tables) throws IOException {
        Files.writeString(slaveFile(name), "slave: " + name + "\ntoken: token-" + name + "\ntables: " + tables + "\n");
        return this;
    }

    Path slaveFile(String name) {
        return directory.resolve("slaves.d/" + name + ".yaml");
    }

    TestForwarder start() throws IOException {
        Path file = directory.resolve("forwarder.yaml");
        Files.writeString(
                file,
                """
                cluster: shop
                listen: "127.0.0.1:0"
                http: "127.0.0.1:0"
                queue: {directory: queue%s}
                dumps: {directory: dumps}
                capture: {token: token-of-capture}
                admin: {token: token-of-admin}
                slaves: slaves.d
                """
                        .replace("%s", queueOptions));
        daemon = new ForwarderDaemon(ForwarderConfig.load(file));
        daemon.start();
        port = daemon.port();
        return this;
    }

    ForwarderDaemon daemon() {
        return daemon;
    }

    Path directory() {
        return directory;
    }

    void restart() throws IOException {
        closePeers();
        daemon.close();
        start();
    }

    int port() {
        return port;
    }

    TestCapture capture() {
        TestCapture capture = new TestCapture(port(), "token-of-capture");
        peers.add(capture);
        return capture;
    }

    /** A capture that goes on where {@code stream} stands, its spool beginning at {@code base}. */
    TestCapture capture(Position base, TestStream stream) throws Exception {
        TestCapture capture = capture().hello(base, stream.position());
        capture.welcome();
        return capture;
    }

    TestLane lane(String slave, String lane, Position position, String... tables) {
        return lane(slave, lane, position, List.of(), tables);
    }

    /** A lane whose tables' boundaries wait for markers. */
    TestLane lane(String slave, String lane, Position position, List<String> markers, String... tables) {
        TestLane client = new TestLane(channel(slave), slave, lane, position, markers, tables);
        peers.add(client);
        return client;
    }

    SlaveLinkGrpc.SlaveLinkBlockingStub slaveCalls(String slave) {
        return SlaveLinkGrpc.newBlockingStub(channel(slave));
    }

    ManagedChannel channel(String slave) {
        return open("token-" + slave);
    }

    ManagedChannel open(String token) {
        ManagedChannel channel = Channels.open(new Endpoint("127.0.0.1", port()), new Secret(token), null);
        peers.add(0, channel::shutdownNow);
        return channel;
    }

    private void closePeers() {
        for (AutoCloseable peer : peers) {
            try {
                peer.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
        peers.clear();
    }

    @Override
    public void close() {
        closePeers();
        daemon.close();
    }
}
