package dev.replicator.slave.lane;

import dev.replicator.queue.RowChange;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.Blocks;
import dev.replicator.queue.format.ChangeDecoder;
import dev.replicator.queue.format.CorruptRecordException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * The changes of a block, decoded whenever they are gone through: what waits for its turn is bytes, not rows, and each who goes
 * through them gets arrays of its own, because netting works on them.
 *
 * @param header the block's
 * @param block the whole block, verified, at the buffer's position; stays as it is
 */
record BlockChanges(BlockHeader header, ByteBuffer block, ChangeDecoder decoder) implements Iterable<RowChange> {

    /** Changes in order; the iterator throws {@link UncheckedIOException} where the bytes are none of the table's. */
    @Override
    public Iterator<RowChange> iterator() {
        try {
            return new Decoding(Blocks.payload(header, block));
        } catch (CorruptRecordException e) {
            throw new UncheckedIOException(e);
        }
    }

    private final class Decoding implements Iterator<RowChange> {
        private final ByteBuffer payload;
        private int left = header.changeCount();

        private Decoding(ByteBuffer payload) {
            this.payload = payload;
        }

        @Override
        public boolean hasNext() {
            return left > 0;
        }

        @Override
        public RowChange next() {
            if (left == 0) {
                throw new NoSuchElementException();
            }
            left--;
            try {
                return decoder.next(payload);
            } catch (CorruptRecordException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
