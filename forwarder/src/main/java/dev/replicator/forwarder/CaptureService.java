package dev.replicator.forwarder;

import dev.replicator.queue.wire.CaptureLinkGrpc;
import dev.replicator.queue.wire.DumpUpload;
import dev.replicator.queue.wire.DumpUploadReply;
import dev.replicator.queue.wire.FromCapture;
import dev.replicator.queue.wire.ToCapture;
import dev.replicator.runtime.net.Peer;
import dev.replicator.runtime.net.Servers;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;

/** Calls of the capture daemon. */
final class CaptureService extends CaptureLinkGrpc.CaptureLinkImplBase {
    private final CaptureContext context;

    CaptureService(CaptureContext context) {
        this.context = context;
    }

    @Override
    public StreamObserver<FromCapture> connect(StreamObserver<ToCapture> capture) {
        return Calls.streaming(capture, () -> {
            Servers.require(Peer.Role.CAPTURE);
            return new CaptureSession(context, (ServerCallStreamObserver<ToCapture>) capture);
        });
    }

    @Override
    public StreamObserver<DumpUpload> uploadDump(StreamObserver<DumpUploadReply> capture) {
        return Calls.streaming(capture, () -> {
            Servers.require(Peer.Role.CAPTURE);
            return new DumpUploads(context.dumps(), capture);
        });
    }
}
