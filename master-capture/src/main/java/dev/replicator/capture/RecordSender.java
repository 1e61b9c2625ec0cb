package dev.replicator.capture;

import com.google.protobuf.ByteString;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.store.QueueReader;
import dev.replicator.queue.wire.FromCapture;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;

/**
 * Sends records of the spool as their own bytes, in messages of moderate size, as fast as the forwarder takes them. Used
 * by the link's thread.
 */
final class RecordSender implements RecordHandler {
    private static final int MESSAGE_BYTES = 256 << 10;
    /** Records up to this size are read whole. */
    private static final int WHOLE_BYTES = 1 << 20;

    private static final long READY_WAIT_MILLIS = 100;

    private final ForwarderCall call;
    private final QueueReader reader;
    private final ByteBuffer buffer = ByteBuffer.allocate(MESSAGE_BYTES);

    RecordSender(ForwarderCall call, QueueReader reader) {
        this.call = call;
        this.reader = reader;
    }

    /**
     * Sends up to one message's worth of durable records, or one large one.
     *
     * @return false when there was nothing to send
     */
    boolean sendSome() throws IOException {
        boolean any = false;
        while (buffer.position() < MESSAGE_BYTES / 2) {
            RecordHeader header = reader.next();
            if (header == null) {
                break;
            }
            any = true;
            if (header.totalLength() <= WHOLE_BYTES) {
                put(reader.image(WHOLE_BYTES));
            } else {
                reader.blocks(null, this);
                break;
            }
        }
        flush();
        return any;
    }

    @Override
    public void header(RecordHeader header) throws IOException {
        put(header.encode());
    }

    @Override
    public void block(BlockHeader header, ByteBuffer block) throws IOException {
        put(block);
    }

    @Override
    public void end(RecordHeader header) {
        // The next record begins a new message.
    }

    private void put(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            if (!buffer.hasRemaining()) {
                flush();
            }
            int count = Math.min(bytes.remaining(), buffer.remaining());
            buffer.put(bytes.duplicate().limit(bytes.position() + count));
            bytes.position(bytes.position() + count);
        }
    }

    private void flush() throws IOException {
        if (buffer.position() == 0) {
            return;
        }
        try {
            while (!call.awaitReady(READY_WAIT_MILLIS)) {
                call.throwIfEnded();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("stopped while the forwarder was busy");
        }
        call.send(FromCapture.newBuilder()
                .setRecords(ByteString.copyFrom(buffer.flip()))
                .build());
        buffer.clear();
    }
}
