package dev.replicator.queue.format;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Cuts a stream of concatenated record images into records and blocks. The stream may arrive in slices cut anywhere; a
 * large transaction passes through block by block. Headers and blocks are verified before the handler sees them. A block's
 * bytes are those of the slice, or of an array that nobody else knows: the handler may keep them if whoever feeds leaves his
 * slices alone.
 *
 * <p>Not safe for use by several threads. After an exception the parser is unusable.
 */
public final class RecordStreamParser {
    private static final int FIRST_HELD = 64 << 10;
    private static final int MAX_ARRAY = Integer.MAX_VALUE - 16;

    private final String source;
    private final RecordHandler handler;

    private byte[] held = new byte[FIRST_HELD];
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
        while (slice.hasRemaining()) {
            if (heldLength == 0) {
                parse(slice);
                hold(slice, slice.remaining());
                return;
            }
            int needed = needed();
            hold(slice, Math.min(slice.remaining(), needed - heldLength));
            if (heldLength >= needed) {
                parseHeld();
            }
        }
    }

    /** Bytes that must be held before anything more can be said; at most one header or block is held. */
    private int needed() throws CorruptRecordException {
        ByteBuffer have = ByteBuffer.wrap(held, 0, heldLength);
        if (current == null) {
            return heldLength < RecordHeader.LENGTH_PREFIX
                    ? RecordHeader.LENGTH_PREFIX
                    : RecordHeader.peekLength(have, source, consumed);
        }
        return heldLength < BlockHeader.LENGTH
                ? BlockHeader.LENGTH
                : Math.toIntExact(BlockHeader.peek(have, source, consumed).blockLength());
    }

    private void parseHeld() throws IOException {
        ByteBuffer have = ByteBuffer.wrap(held, 0, heldLength);
        parse(have);
        // Either the structure was complete and all is consumed, or only its length has become known.
        if (have.position() > 0) {
            heldLength = have.remaining();
            // Another array: whoever got a block may keep it.
            byte[] rest = new byte[Math.max(heldLength, FIRST_HELD)];
            System.arraycopy(held, have.position(), rest, 0, heldLength);
            held = rest;
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
        int start = in.position();
        current = RecordHeader.decode(in, source, consumed);
        consumed += length;
        bodyLeft = current.bodyLength();
        if (handler.wantsWhole(current) && in.remaining() >= bodyLeft) {
            passWhole(in, start);
        } else {
            handler.header(current);
        }
        return true;
    }

    private void passWhole(ByteBuffer in, int start) throws IOException {
        while (bodyLeft > 0) {
            passed(in, block(in));
        }
        RecordHeader header = current;
        current = null;
        handler.whole(header, in.duplicate().limit(in.position()).position(start));
    }

    private boolean parseBlock(ByteBuffer in) throws IOException {
        BlockHeader block = block(in);
        if (block == null) {
            return false;
        }
        int end = in.position() + (int) block.blockLength();
        handler.block(block, in.duplicate().limit(end));
        passed(in, block);
        return true;
    }

    /** The verified block at the buffer's position, which stays; null when it is not there whole. */
    private BlockHeader block(ByteBuffer in) throws CorruptRecordException {
        if (in.remaining() < BlockHeader.LENGTH) {
            return null;
        }
        BlockHeader block = BlockHeader.peek(in, source, consumed);
        if (block.blockLength() > bodyLeft) {
            throw new CorruptRecordException(source, consumed, "a block reaches beyond its record " + current);
        }
        if (in.remaining() < block.blockLength()) {
            return null;
        }
        block.verify(in, source, consumed);
        return block;
    }

    private void passed(ByteBuffer in, BlockHeader block) {
        in.position(in.position() + (int) block.blockLength());
        consumed += block.blockLength();
        bodyLeft -= block.blockLength();
    }

    private void endIfComplete() throws IOException {
        if (bodyLeft == 0 && current != null) {
            RecordHeader ended = current;
            current = null;
            handler.end(ended);
        }
    }

    private void hold(ByteBuffer in, int count) {
        if (heldLength + count > held.length) {
            held = Arrays.copyOf(held, (int) Math.min(MAX_ARRAY, Math.max(heldLength + count, held.length * 2L)));
        }
        in.get(held, heldLength, count);
        heldLength += count;
    }
}
