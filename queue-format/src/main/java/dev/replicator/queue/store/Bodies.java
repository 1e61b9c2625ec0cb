package dev.replicator.queue.store;

import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.CorruptRecordException;
import dev.replicator.queue.format.RecordHeader;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Reads headers, trailers and bodies of records in a segment, verified. */
final class Bodies {
    /** Takes one verified block. */
    interface BlockVisitor {
        void block(BlockHeader header, ByteBuffer block) throws IOException;
    }

    /** Decides by its header whether a block is read. */
    interface BlockChoice {
        boolean wants(BlockHeader header);
    }

    private Bodies() {}

    /**
     * Reads the record header at an offset.
     *
     * @param limit first byte that must not be read
     * @throws CorruptQueueException when there is none
     */
    static RecordHeader header(FileWindow window, long offset, long limit) throws IOException {
        String source = window.name();
        try {
            return RecordHeader.decode(headerBytes(window, offset, limit), source, offset);
        } catch (CorruptQueueException e) {
            throw e;
        } catch (CorruptRecordException e) {
            throw CorruptQueueException.of(window.file(), e);
        }
    }

    /** The window's buffer, standing at the record header at an offset and holding it whole; it is not verified. */
    static ByteBuffer headerBytes(FileWindow window, long offset, long limit) throws IOException {
        try {
            ByteBuffer prefix = window.at(offset, RecordHeader.LENGTH_PREFIX, limit);
            int length = RecordHeader.peekLength(prefix, window.name(), offset);
            return window.at(offset, length, limit);
        } catch (CorruptQueueException e) {
            throw e;
        } catch (CorruptRecordException e) {
            throw CorruptQueueException.of(window.file(), e);
        }
    }

    /**
     * Walks the blocks of a body.
     *
     * @param from offset of the first block
     * @param choice which blocks are read and verified; the others are passed over
     */
    static void walk(FileWindow window, long from, long length, BlockChoice choice, BlockVisitor visitor)
            throws IOException {
        String source = window.name();
        long end = from + length;
        long at = from;
        while (at < end) {
            BlockHeader block;
            ByteBuffer whole = null;
            try {
                block = BlockHeader.peek(window.at(at, BlockHeader.LENGTH, end), source, at);
                if (block.blockLength() > end - at) {
                    throw new CorruptRecordException(source, at, "a block reaches beyond its record");
                }
                if (choice.wants(block)) {
                    whole = window.at(at, Math.toIntExact(block.blockLength()), end);
                    block.verify(whole, source, at);
                }
            } catch (CorruptQueueException e) {
                throw e;
            } catch (CorruptRecordException e) {
                throw CorruptQueueException.of(window.file(), e);
            }
            if (whole != null) {
                visitor.block(block, whole.limit(whole.position() + (int) block.blockLength()));
            }
            at += block.blockLength();
        }
    }
}
