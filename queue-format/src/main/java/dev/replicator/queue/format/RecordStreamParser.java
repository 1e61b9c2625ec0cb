package dev.replicator.queue.format;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Cuts a stream of concatenated record images into records and blocks. The stream may arrive in slices cut anywhere; a
 * large transaction passes through block by block. Headers and blocks are verified before the handler sees them.
 *
 * <p>Not safe for use by several threads. After an exception the parser is unusable.
 */
public final class RecordStreamParser {
    private final String source;
    private final RecordHandler handler;

    private byte[] held = new byte[64 << 10];
    private int heldLength;
    private RecordHeader current;
    private long bodyLeft;
    private long consumed;

    /**
     * @param source names the peer or file in error messages
     * @param handler gets the records
     */
    public RecordStreamParser(String source, RecordHandler handler) {
        this.source = source;
        this.handler = handler;
    }

    /** Consumes the slice completely. */
    public void feed(ByteBuffer slice) throws IOException {
        if (heldLength > 0) {
            hold(slice);
            ByteBuffer joined = ByteBuffer.wrap(held, 0, heldLength);
            parse(joined);
            heldLength = joined.remaining();
            System.arraycopy(held, joined.position(), held, 0, heldLength);
        } else {
            parse(slice);
            hold(slice);
        }
    }

    /** True between records: nothing is half received. */
    public boolean isAtRecordBoundary() {
        return current == null && heldLength == 0;
    }

    private void parse(ByteBuffer in) throws IOException {
        while (current == null ? parseHeader(in) : parseBlock(in)) {
            endIfComplete();
        }
    }

    private boolean parseHeader(ByteBuffer in) throws IOException {
        if (in.remaining() < RecordHeader.LENGTH_PREFIX) {
            return false;
        }
        int length = RecordHeader.peekLength(in, source, consumed);
        if (in.remaining() < length) {
            return false;
        }
        current = RecordHeader.decode(in, source, consumed);
        consumed += length;
        bodyLeft = current.bodyLength();
        handler.header(current);
        return true;
    }

    private boolean parseBlock(ByteBuffer in) throws IOException {
        if (in.remaining() < BlockHeader.LENGTH) {
            return false;
        }
        BlockHeader block = BlockHeader.peek(in, source, consumed);
        if (block.blockLength() > bodyLeft) {
            throw new CorruptRecordException(source, consumed, "a block reaches beyond its record " + current);
        }
        if (in.remaining() < block.blockLength()) {
            return false;
        }
        block.verify(in, source, consumed);
        int end = in.position() + (int) block.blockLength();
        handler.block(block, in.duplicate().limit(end));
        in.position(end);
        consumed += block.blockLength();
        bodyLeft -= block.blockLength();
        return true;
    }

    private void endIfComplete() throws IOException {
        if (bodyLeft == 0) {
            RecordHeader ended = current;
            current = null;
            handler.end(ended);
        }
    }

    private void hold(ByteBuffer in) {
        int count = in.remaining();
        if (heldLength + count > held.length) {
            held = Arrays.copyOf(held, Math.max(heldLength + count, held.length * 2));
        }
        in.get(held, heldLength, count);
        heldLength += count;
    }
}
