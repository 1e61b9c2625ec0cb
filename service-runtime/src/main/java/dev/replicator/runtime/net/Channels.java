package dev.replicator.runtime.net;

import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.config.Secret;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/** Opens channels to the forwarder. */
public final class Channels {
    private Channels() {}

    /**
     * Opens a channel, which connects on its first call and again whenever it must. Every call carries the token. The caller owns
     * the channel.
     *
     * @param tls null for plain text
     * @throws ReplicatorException if the TLS files cannot be used
     */
    public static ManagedChannel open(Endpoint endpoint, Secret token, TlsFiles tls) {
        NettyChannelBuilder builder = NettyChannelBuilder.forAddress(endpoint.host(), endpoint.port())
                .maxInboundMessageSize(Transport.MESSAGE_BYTES_MAX)
                .flowControlWindow(Transport.WINDOW_BYTES)
                .keepAliveTime(Transport.KEEPALIVE_SECONDS, TimeUnit.SECONDS)
                .keepAliveTimeout(Transport.KEEPALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
                .keepAliveWithoutCalls(true)
                .disableRetry()
                .compressorRegistry(MessageChecksums.writing())
                .decompressorRegistry(MessageChecksums.reading())
                .intercept(bearer(token), MessageChecksums.client(), readyEarly());
        if (tls == null) {
            builder.usePlaintext();
        } else {
            secure(builder, tls);
        }
        return new ReconnectingChannel(builder.build());
    }

    private static ClientInterceptor readyEarly() {
        return new ClientInterceptor() {
            @Override
            public <Q, A> ClientCall<Q, A> interceptCall(
                    MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
                return next.newCall(method, options.withOnReadyThreshold(Transport.READY_BYTES));
            }
        };
    }

    private static void secure(NettyChannelBuilder builder, TlsFiles tls) {
        try {
            SslContextBuilder context = GrpcSslContexts.forClient();
            if (tls.ca() != null) {
                context.trustManager(tls.ca().toFile());
            }
            if (tls.certificate() != null) {
                context.keyManager(tls.certificate().toFile(), tls.key().toFile());
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

    private static ClientInterceptor bearer(Secret token) {
        String value = Transport.BEARER + token.value();
        return new ClientInterceptor() {
            @Override
            public <Q, A> ClientCall<Q, A> interceptCall(
                    MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
                return new ForwardingClientCall.SimpleForwardingClientCall<>(next.newCall(method, options)) {
                    @Override
                    public void start(Listener<A> listener, Metadata headers) {
                        headers.put(Transport.AUTHORIZATION, value);
                        super.start(listener, headers);
                    }
                };
            }
        };
    }
}
