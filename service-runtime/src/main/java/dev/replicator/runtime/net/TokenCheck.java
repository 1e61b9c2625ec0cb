package dev.replicator.runtime.net;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lets a call in only with a token that belongs to somebody, and tells the service who it is. */
final class TokenCheck implements ServerInterceptor {
    private static final Logger LOG = LoggerFactory.getLogger(TokenCheck.class);

    private final Function<String, Optional<Peer>> tokens;

    TokenCheck(Function<String, Optional<Peer>> tokens) {
        this.tokens = tokens;
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        String header = headers.get(Transport.AUTHORIZATION);
        if (header == null || !header.startsWith(Transport.BEARER)) {
            return refuse(call, "no token was sent; expected the metadata \"authorization: Bearer TOKEN\"");
        }
        String token = header.substring(Transport.BEARER.length());
        Optional<Peer> peer = tokens.apply(token);
        if (peer.isEmpty()) {
            return refuse(call, "the token is not one that this forwarder knows");
        }
        BooleanSupplier stillKnown = () -> tokens.apply(token).equals(peer);
        Context context = Context.current().withValues(Servers.PEER, peer.get(), Servers.STILL_KNOWN, stillKnown);
        return Contexts.interceptCall(context, call, headers, next);
    }

    private static <Q, A> ServerCall.Listener<Q> refuse(ServerCall<Q, A> call, String reason) {
        LOG.atWarn()
                .addKeyValue("peer", call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR))
                .addKeyValue("call", call.getMethodDescriptor().getFullMethodName())
                .log("Refused a call: {}", reason);
        call.close(Status.UNAUTHENTICATED.withDescription(reason), new Metadata());
        return new ServerCall.Listener<>() {};
    }
}
