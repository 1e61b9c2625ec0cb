package dev.replicator.forwarder;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Collects record bytes into messages of a good size for the wire. A record may be cut between two messages.
 *
 * <p>Used by one thread.
 */
final class OutBatch {
    /** Several times gRPC's ready threshold and far below its message limit. */
    static final int BATCH_BYTES = 128 << 10;

    private final Sink sink;
    private byte[] bytes = new byte[BATCH_BYTES];
    private int length;

    OutBatch(Sink sink) {
        this.sink = sink;
    }

    /** Appends all that remains in the buffer. */
    void put(ByteBuffer data) throws IOException {
        while (data.hasRemaining()) {
            if (length == bytes.length) {
                flush();
            }
            int count = Math.min(data.remaining(), bytes.length - length);
            data.get(bytes, length, count);
            length += count;
        }
    }

    /** Sends what is there. */
    void flush() throws IOException {
        if (length == 0) {
            return;
        }
        ByteString slice;
        if (length > bytes.length / 2) {
            // A full array is given away instead of copied.
            slice = UnsafeByteOperations.unsafeWrap(bytes, 0, length);
            bytes = new byte[BATCH_BYTES];
        } else {
            slice = ByteString.copyFrom(bytes, 0, length);
        }
        length = 0;
        sink.send(slice);
    }

    boolean isEmpty() {
        return length == 0;
    }

    /** Sends one slice, waiting for the peer as flow control demands. */
    @FunctionalInterface
    interface Sink {
        void send(ByteString slice) throws IOException;
    }
}
