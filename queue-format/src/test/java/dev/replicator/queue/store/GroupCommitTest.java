package dev.replicator.queue.store;

import static dev.replicator.queue.store.Samples.BASE;
import static dev.replicator.queue.store.Samples.ORDERS;
import static dev.replicator.queue.store.Samples.appendSchema;
import static dev.replicator.queue.store.Samples.appendTransaction;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** R16: the disk alone sets the size of a commit group; nothing waits for a timer. */
class GroupCommitTest {
    private static final int LAST = 50;

    @TempDir
    private Path directory;

    @Test
    void r16ShouldSyncAtOnceAndThenTogetherWhatCameMeanwhile() throws Exception {
        HeldDisk disk = new HeldDisk();
        try (SegmentedQueue queue = SegmentedQueue.open(QueueOptions.of(directory), disk)) {
            queue.startHistory(BASE);
            appendSchema(queue, 0, ORDERS);
            queue.writer().sync();
            disk.hold();

            // Nobody asks for it, and no other record comes: the fsync begins all the same.
            appendTransaction(queue, 1, ORDERS);
            assertTrue(disk.arrived.tryAcquire(60, TimeUnit.SECONDS), "no fsync began");
            for (long seq = 2; seq <= LAST; seq++) {
                appendTransaction(queue, seq, ORDERS);
            }
            assertEquals(0, queue.durableTail().seq(), "acknowledged before its fsync ended");

            disk.released.release();
            assertTrue(disk.arrived.tryAcquire(60, TimeUnit.SECONDS), "the next fsync did not begin by itself");
            assertEquals(1, queue.durableTail().seq());
            disk.released.release();
            queue.writer().sync();
            assertEquals(LAST, queue.durableTail().seq());
            assertEquals(0, disk.arrived.availablePermits(), "all that came meanwhile shares one fsync");
            disk.letGo();
        }
    }
}
