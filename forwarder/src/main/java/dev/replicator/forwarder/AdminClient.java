package dev.replicator.forwarder;

import dev.replicator.queue.wire.AdminGrpc;
import dev.replicator.queue.wire.AdminReply;
import dev.replicator.queue.wire.AdminRequest;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.config.Secret;
import dev.replicator.runtime.net.Channels;
import dev.replicator.runtime.net.Endpoint;
import dev.replicator.runtime.net.RemoteErrors;
import dev.replicator.runtime.net.TlsFiles;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** One admin command's connection to the forwarder. Used by one thread. */
final class AdminClient implements AutoCloseable {
    private static final int ANSWER_SECONDS = 60;

    private final Endpoint forwarder;
    private final ManagedChannel channel;

    private AdminClient(Endpoint forwarder, ManagedChannel channel) {
        this.forwarder = forwarder;
        this.channel = channel;
    }

    /**
     * Connects on the first call.
     *
     * @param tls null for plain text
     */
    static AdminClient open(String forwarder, Path tokenFile, TlsFiles tls) {
        Endpoint endpoint;
        try {
            endpoint = Endpoint.parse(forwarder);
        } catch (IllegalArgumentException e) {
            throw new ReplicatorException(ErrorCode.USAGE, "--forwarder: " + e.getMessage(), "", e);
        }
        return new AdminClient(endpoint, Channels.open(endpoint, token(tokenFile), tls));
    }

    private static Secret token(Path file) {
        try {
            String token = Files.readString(file).strip();
            if (token.isEmpty()) {
                throw new ReplicatorException(
                        ErrorCode.CONFIGURATION,
                        "The token file " + file + " is empty",
                        "Put the admin token into it.");
            }
            return new Secret(token);
        } catch (IOException e) {
            throw new ReplicatorException(
                    ErrorCode.CONFIGURATION,
                    "Cannot read the token file " + file + ": " + e,
                    "Name a file that holds the admin token with --token-file.",
                    e);
        }
    }

    /** Runs a command and returns the document it answers with. */
    String run(AdminRequest request) {
        try {
            return checked(AdminGrpc.newBlockingStub(channel)
                            .withDeadlineAfter(ANSWER_SECONDS, TimeUnit.SECONDS)
                            .run(request))
                    .getJson();
        } catch (StatusRuntimeException e) {
            throw RemoteErrors.describe("Cannot run '" + request.getCommand() + "'", forwarder, e);
        }
    }

    /**
     * Follows a long command.
     *
     * @param progress gets each document but the last
     * @return the last document
     */
    String follow(AdminRequest request, long timeoutMillis, Consumer<String> progress) {
        try {
            Iterator<AdminReply> replies = AdminGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(timeoutMillis + TimeUnit.SECONDS.toMillis(ANSWER_SECONDS), TimeUnit.MILLISECONDS)
                    .follow(request);
            while (replies.hasNext()) {
                AdminReply reply = checked(replies.next());
                if (reply.getLast()) {
                    return reply.getJson();
                }
                progress.accept(reply.getJson());
            }
        } catch (StatusRuntimeException e) {
            throw RemoteErrors.describe("Cannot run '" + request.getCommand() + "'", forwarder, e);
        }
        throw new ReplicatorException(
                ErrorCode.FAILED,
                "The forwarder " + forwarder + " ended '" + request.getCommand() + "' without a result",
                "See its log.");
    }

    private static AdminReply checked(AdminReply reply) {
        if (reply.getExitCode() == 0) {
            return reply;
        }
        ErrorCode code =
                switch (reply.getExitCode()) {
                    case 2 -> ErrorCode.USAGE;
                    case 3 -> ErrorCode.DAMAGE;
                    default -> ErrorCode.FAILED;
                };
        throw new ReplicatorException(code, reply.getError(), "");
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }
}
