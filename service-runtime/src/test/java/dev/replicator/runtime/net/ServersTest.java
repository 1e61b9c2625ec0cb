package dev.replicator.runtime.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.runtime.Backoff;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.config.Secret;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ServersTest {
    private static final Map<String, Peer> PEERS =
            Map.of("s3cret", new Peer(Peer.Role.SLAVE, "reporting"), "adm1n", new Peer(Peer.Role.ADMIN, "admin"));
    private static final Function<String, Optional<Peer>> TOKENS = token -> Optional.ofNullable(PEERS.get(token));

    private final List<Server> servers = new ArrayList<>();
    private final List<ManagedChannel> channels = new ArrayList<>();

    @TempDir
    Path directory;

    @AfterEach
    void close() {
        channels.forEach(ManagedChannel::shutdownNow);
        servers.forEach(server -> Servers.stop(server, Duration.ZERO));
    }

    @Test
    void shouldTellTheServiceWhoCalls() {
        Server server = start(null);

        assertEquals("slave reporting: hello", Echo.call(open(server, "s3cret", null), "hello"));
        assertEquals("admin: hello", Echo.call(open(server, "adm1n", null), "hello"));
    }

    @Test
    void shouldRefuseAWrongToken() {
        Server server = start(null);
        ManagedChannel channel = open(server, "guess", null);

        StatusRuntimeException thrown = assertThrows(StatusRuntimeException.class, () -> Echo.call(channel, "hello"));

        assertEquals(Status.Code.UNAUTHENTICATED, thrown.getStatus().getCode());
        ReplicatorException described = RemoteErrors.describe("Cannot call", endpoint(server), thrown);
        assertEquals(
                "Cannot call at the forwarder " + endpoint(server) + ": the token is not one that this forwarder knows",
                described.getMessage());
        assertEquals(2, described.code().exitCode());
    }

    @Test
    void shouldRefuseAPeerOfAnotherRole() {
        Server server = Servers.start(
                Endpoint.parse("127.0.0.1:0"), null, TOKENS, new Echo(Peer.Role.CAPTURE, Peer.Role.ADMIN));
        servers.add(server);
        ManagedChannel channel = open(server, "s3cret", null);

        StatusRuntimeException thrown = assertThrows(StatusRuntimeException.class, () -> Echo.call(channel, "hello"));

        assertEquals(Status.Code.PERMISSION_DENIED, thrown.getStatus().getCode());
        assertEquals(
                "The token belongs to slave reporting; this call needs the token of CAPTURE or ADMIN",
                thrown.getStatus().getDescription());
    }

    @Test
    void shouldNameAnAddressThatIsTaken() {
        Server server = start(null);
        Endpoint taken = endpoint(server);

        ReplicatorException thrown =
                assertThrows(ReplicatorException.class, () -> Servers.start(taken, null, TOKENS, new Echo()));

        assertEquals(ErrorCode.CONFIGURATION, thrown.code());
        assertTrue(
                thrown.getMessage().contains(taken + ": ")
                        && thrown.getMessage().contains("in use"),
                thrown.getMessage());
    }

    @Test
    void shouldSayThatNobodyListens() {
        Server server = start(null);
        Endpoint endpoint = endpoint(server);
        ManagedChannel channel = open(server, "s3cret", null);
        Servers.stop(server, Duration.ofSeconds(5));

        StatusRuntimeException thrown = assertThrows(StatusRuntimeException.class, () -> Echo.call(channel, "hello"));

        ReplicatorException described = RemoteErrors.describe("Cannot call", endpoint, thrown);
        assertEquals(ErrorCode.UNAVAILABLE, described.code());
        assertTrue(described.getMessage().contains("Connection refused"), described.getMessage());
        assertTrue(RemoteErrors.isWeather(thrown));
    }

    @Test
    void shouldConnectAgainWithinTheCallersBackoff() throws InterruptedException {
        Server first = start(null);
        Endpoint endpoint = endpoint(first);
        ManagedChannel channel = open(first, "s3cret", null);
        Servers.stop(first, Duration.ofSeconds(5));
        // Enough failures for gRPC's own back-off to grow to several seconds.
        Backoff backoff = new Backoff(Duration.ofMillis(10), Duration.ofMillis(100));
        for (int failure = 0; failure < 8; failure++) {
            assertThrows(StatusRuntimeException.class, () -> Echo.call(channel, "hello"));
            backoff.pause();
        }
        servers.add(Servers.start(endpoint, null, TOKENS, new Echo(Peer.Role.SLAVE)));

        String answer = null;
        long start = System.nanoTime();
        while (answer == null) {
            try {
                answer = Echo.call(channel, "again");
            } catch (StatusRuntimeException e) {
                assertTrue(System.nanoTime() - start < Duration.ofSeconds(5).toNanos(), e::toString);
                backoff.pause();
            }
        }

        assertEquals("slave reporting: again", answer);
    }

    @Test
    void shouldSpeakMutualTls() throws Exception {
        Certificates forwarder = Certificates.make(directory, "forwarder");
        Certificates slave = Certificates.make(directory, "slave");
        Certificates stranger = Certificates.make(directory, "stranger");
        Server server = start(new TlsServerFiles(forwarder.certificate(), forwarder.key(), slave.certificate()));

        ManagedChannel known =
                open(server, "s3cret", new TlsFiles(forwarder.certificate(), slave.certificate(), slave.key()));
        assertEquals("slave reporting: hello", Echo.call(known, "hello"));

        ManagedChannel unknown =
                open(server, "s3cret", new TlsFiles(forwarder.certificate(), stranger.certificate(), stranger.key()));
        assertThrows(StatusRuntimeException.class, () -> Echo.call(unknown, "hello"));
        ManagedChannel distrusting =
                open(server, "s3cret", new TlsFiles(stranger.certificate(), slave.certificate(), slave.key()));
        assertThrows(StatusRuntimeException.class, () -> Echo.call(distrusting, "hello"));
        ManagedChannel plain = open(server, "s3cret", null);
        assertThrows(StatusRuntimeException.class, () -> Echo.call(plain, "hello"));
    }

    @Test
    void shouldNameTlsFilesThatCannotBeUsed() {
        TlsServerFiles missing = new TlsServerFiles(directory.resolve("no.crt"), directory.resolve("no.key"), null);

        ReplicatorException thrown = assertThrows(
                ReplicatorException.class, () -> Servers.start(Endpoint.parse("127.0.0.1:0"), missing, TOKENS));

        assertTrue(thrown.getMessage().contains("no.crt"), thrown.getMessage());
        assertEquals(ErrorCode.CONFIGURATION, thrown.code());
    }

    private Server start(TlsServerFiles tls) {
        Server server =
                Servers.start(Endpoint.parse("127.0.0.1:0"), tls, TOKENS, new Echo(Peer.Role.SLAVE, Peer.Role.ADMIN));
        servers.add(server);
        return server;
    }

    private ManagedChannel open(Server server, String token, TlsFiles tls) {
        ManagedChannel channel = Channels.open(endpoint(server), new Secret(token), tls);
        channels.add(channel);
        return channel;
    }

    private static Endpoint endpoint(Server server) {
        return new Endpoint("127.0.0.1", server.getPort());
    }
}
