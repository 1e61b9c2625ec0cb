package dev.replicator.queue.store;

import dev.replicator.queue.Epoch;
import java.nio.file.Path;
import java.util.Set;

/**
 * What one segment holds.
 *
 * @param file its path
 * @param epoch history of its records
 * @param firstSeq number of its first transaction, or the number the next one will have
 * @param lastSeq number of its last transaction; firstSeq - 1 when it has none
 * @param records all records
 * @param sizeBytes file size
 * @param closed whether it has its footer
 * @param controlBehind whether records other than transactions and heartbeats may stand behind its last transaction
 * @param tableIds tables with changes in it
 */
public record SegmentSummary(
        Path file,
        Epoch epoch,
        long firstSeq,
        long lastSeq,
        long records,
        long sizeBytes,
        boolean closed,
        boolean controlBehind,
        Set<Integer> tableIds) {

    /**
     * Whether nobody who has everything up to transaction {@code seq} needs it. Control records may stand behind the last
     * transaction of a segment; who has that transaction need not have them yet.
     */
    public boolean isOverAt(long seq) {
        return closed && (controlBehind ? lastSeq < seq : lastSeq <= seq);
    }
}
