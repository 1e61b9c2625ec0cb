package dev.replicator.runtime.net;

import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import io.grpc.BindableService;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Starts gRPC servers that know who calls. */
public final class Servers {
    /** Who makes the current call; set in every service method. */
    public static final Context.Key<Peer> PEER = Context.key("peer");

    static final Context.Key<BooleanSupplier> STILL_KNOWN = Context.key("still-known");

    private Servers() {}

    /**
     * Tells, now and later, whether the token of the current call is still its peer's. A service that keeps calls open asks
     * once it has noted a call: tokens that change later end the calls that are noted.
     */
    public static BooleanSupplier stillKnown() {
        return STILL_KNOWN.get();
    }

    /**
     * Starts a server. The caller owns it; {@link #stop} ends it.
     *
     * @param listen where; port 0 takes a free one, see {@link Server#getPort}
     * @param tls null for plain text
     * @param tokens who a token belongs to; empty if nobody. Called for every call, from many threads
     * @throws ReplicatorException if the address cannot be taken or the TLS files cannot be used
     */
    public static Server start(
            Endpoint listen, TlsServerFiles tls, Function<String, Optional<Peer>> tokens, BindableService... services) {
        NettyServerBuilder builder = NettyServerBuilder.forAddress(new InetSocketAddress(listen.host(), listen.port()))
                .maxInboundMessageSize(Transport.MESSAGE_BYTES_MAX)
                .flowControlWindow(Transport.WINDOW_BYTES)
                .keepAliveTime(Transport.KEEPALIVE_SECONDS, TimeUnit.SECONDS)
                .keepAliveTimeout(Transport.KEEPALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
                .permitKeepAliveTime(Transport.KEEPALIVE_PERMITTED_SECONDS, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true)
                .compressorRegistry(MessageChecksums.writing())
                .decompressorRegistry(MessageChecksums.reading())
                .intercept(MessageChecksums.server())
                .intercept(readyEarly())
                .intercept(new TokenCheck(tokens));
        if (tls != null) {
            secure(builder, tls);
        }
        Arrays.stream(services).forEach(builder::addService);
        try {
            return builder.build().start();
        } catch (IOException e) {
            Throwable reason = e;
            while (reason.getCause() != null) {
                reason = reason.getCause();
            }
            throw new ReplicatorException(
                    ErrorCode.CONFIGURATION,
                    "Cannot listen on " + listen + ": " + reason.getMessage(),
                    "Stop what holds the port, or set another address under `listen`.",
                    e);
        }
    }

    /**
     * Returns who makes the current call, if it has one of the roles.
     *
     * @throws io.grpc.StatusRuntimeException PERMISSION_DENIED if not
     */
    public static Peer require(Peer.Role... roles) {
        Peer peer = PEER.get();
        if (peer == null || !Arrays.asList(roles).contains(peer.role())) {
            String wanted = Arrays.stream(roles).map(Enum::name).collect(Collectors.joining(" or "));
            throw Status.PERMISSION_DENIED
                    .withDescription("The token belongs to " + peer + "; this call needs the token of " + wanted)
                    .asRuntimeException();
        }
        return peer;
    }

    /** Ends a server: no new calls, then up to {@code grace} for the running ones, then cuts them off. */
    public static void stop(Server server, Duration grace) {
        server.shutdown();
        try {
            if (!server.awaitTermination(grace.toMillis(), TimeUnit.MILLISECONDS)) {
                server.shutdownNow();
            }
        } catch (InterruptedException e) {
            server.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }

    private static ServerInterceptor readyEarly() {
        return new ServerInterceptor() {
            @Override
            public <Q, A> ServerCall.Listener<Q> interceptCall(
                    ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
                call.setOnReadyThreshold(Transport.READY_BYTES);
                return next.startCall(call, headers);
            }
        };
    }

    private static void secure(NettyServerBuilder builder, TlsServerFiles tls) {
        try {
            SslContextBuilder context = GrpcSslContexts.forServer(
                    tls.certificate().toFile(), tls.key().toFile());
            if (tls.clientCa() != null) {
                context.trustManager(tls.clientCa().toFile()).clientAuth(ClientAuth.REQUIRE);
            }
            builder.sslContext(context.build());
        } catch (IOException | IllegalArgumentException e) {
            throw new ReplicatorException(
                    ErrorCode.CONFIGURATION,
                    "Cannot use the TLS files " + tls + ": " + e.getMessage(),
                    "Certificates and the PKCS#8 key must be readable PEM files.",
                    e);
        }
    }
}
