package dev.replicator.runtime.net;

import io.grpc.BindableService;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** A service without a .proto: answers who called and what was sent. */
final class Echo implements BindableService {
    private static final MethodDescriptor<String, String> CALL = MethodDescriptor.<String, String>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("test.Echo/Call")
            .setRequestMarshaller(new Text())
            .setResponseMarshaller(new Text())
            .build();

    private final Peer.Role[] roles;

    Echo(Peer.Role... roles) {
        this.roles = roles;
    }

    @Override
    public ServerServiceDefinition bindService() {
        return ServerServiceDefinition.builder("test.Echo")
                .addMethod(CALL, ServerCalls.asyncUnaryCall((request, observer) -> {
                    try {
                        observer.onNext(Servers.require(roles) + ": " + request);
                        observer.onCompleted();
                    } catch (RuntimeException e) {
                        observer.onError(e);
                    }
                }))
                .build();
    }

    static String call(Channel channel, String text) {
        return ClientCalls.blockingUnaryCall(channel, CALL, CallOptions.DEFAULT, text);
    }

    private static final class Text implements MethodDescriptor.Marshaller<String> {
        @Override
        public InputStream stream(String value) {
            return new ByteArrayInputStream(value.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public String parse(InputStream stream) {
            try {
                return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
