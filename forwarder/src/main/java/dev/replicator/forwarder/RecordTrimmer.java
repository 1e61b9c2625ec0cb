package dev.replicator.forwarder;

import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.CorruptRecordException;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.TableShare;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Cuts out of a record what its receiver does not carry: blocks of other tables, and their shares in the header. Works on
 * headers alone; no row is decoded.
 */
final class RecordTrimmer {
    private RecordTrimmer() {}

    /**
     * The header the receiver gets.
     *
     * @param wanted says for a table id whether the receiver carries it
     * @return {@code header} itself when it carries all of its tables
     */
    static RecordHeader header(RecordHeader header, IntPredicate wanted) {
        return isWhole(header, wanted) ? header : trimmed(header, wanted);
    }

    private static boolean isWhole(RecordHeader header, IntPredicate wanted) {
        List<TableShare> tables = header.tables();
        for (int i = 0; i < tables.size(); i++) {
            if (!wanted.test(tables.get(i).tableId())) {
                return false;
            }
        }
        return true;
    }

    private static RecordHeader trimmed(RecordHeader header, IntPredicate wanted) {
        List<TableShare> kept = new ArrayList<>(header.tables().size());
        long changes = 0;
        for (TableShare share : header.tables()) {
            if (wanted.test(share.tableId())) {
                kept.add(share);
                changes += share.changeCount();
            }
        }
        return new RecordHeader(
                header.kind(),
                header.flags() | RecordHeader.FLAG_TRIMMED,
                header.origin(),
                header.position(),
                header.transactionId(),
                header.commitMicros(),
                changes,
                header.sourcePosition(),
                kept);
    }

    /**
     * Hands the wanted blocks of a whole image over, in order.
     *
     * @param image whole record at its position, its own header in front, as a reader gave it: verified; consumed
     * @param blocks gets each wanted block
     */
    static void blocks(RecordHeader header, ByteBuffer image, IntPredicate wanted, BlockConsumer blocks)
            throws java.io.IOException {
        image.position(image.position() + header.headerLength());
        while (image.hasRemaining()) {
            BlockHeader block = BlockHeader.peekVerified(image, "record image");
            int end = Math.toIntExact(image.position() + block.blockLength());
            if (end > image.limit()) {
                throw new CorruptRecordException("record " + header, image.position(), "a block reaches beyond it");
            }
            if (wanted.test(block.tableId())) {
                blocks.accept(block, image.duplicate().limit(end));
            }
            image.position(end);
        }
    }

    /** Takes one block. */
    @FunctionalInterface
    interface BlockConsumer {
        void accept(BlockHeader header, ByteBuffer block) throws java.io.IOException;
    }
}
