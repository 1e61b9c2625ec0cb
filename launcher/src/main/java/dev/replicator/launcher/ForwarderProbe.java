package dev.replicator.launcher;

import dev.replicator.queue.wire.AdminGrpc;
import dev.replicator.queue.wire.AdminRequest;
import dev.replicator.runtime.Finding;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.config.Secret;
import dev.replicator.runtime.net.Channels;
import dev.replicator.runtime.net.Endpoint;
import dev.replicator.runtime.net.RemoteErrors;
import dev.replicator.runtime.net.TlsFiles;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Asks a forwarder whether it is there and knows a token, without taking the place of the daemon that the token is for. */
final class ForwarderProbe {
    private static final int SECONDS_MAX = 10;

    private ForwarderProbe() {}

    static Optional<Finding> check(Endpoint address, Secret token, TlsFiles tls) {
        ManagedChannel channel;
        try {
            channel = Channels.open(address, token, tls);
        } catch (ReplicatorException e) {
            return Optional.of(Finding.missing("forwarder.tls", e.getMessage(), e.hint()));
        }
        try {
            AdminGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(SECONDS_MAX, TimeUnit.SECONDS)
                    .run(AdminRequest.newBuilder().setCommand("status").build());
            return Optional.of(Finding.missing(
                    "forwarder.token",
                    "the forwarder " + address + " takes it for the admin's",
                    "Give the daemon the token of its own from forwarder.yaml or slaves.d."));
        } catch (StatusRuntimeException e) {
            // Only the admin's token may do this. Any other that is known is told so, and that is what we ask.
            if (e.getStatus().getCode() == Status.Code.PERMISSION_DENIED) {
                return Optional.empty();
            }
            ReplicatorException error = RemoteErrors.describe("cannot call", address, e);
            return Optional.of(Finding.missing("forwarder", error.getMessage(), error.hint()));
        } finally {
            channel.shutdownNow();
        }
    }
}
