package dev.replicator.queue.store;

import static dev.replicator.queue.store.Samples.BASE;
import static dev.replicator.queue.store.Samples.ORDERS;
import static dev.replicator.queue.store.Samples.appendSchema;
import static dev.replicator.queue.store.Samples.appendTransaction;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** R16: the disk alone sets the size of a commit group; nobody waits for a timer. */
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

    @Test
    void r16ShouldGatherRecordsOnlyWhereItMayAndNobodyWaits() throws Exception {
        QueueOptions options = QueueOptions.of(directory);
        try (SegmentedQueue queue = SegmentedQueue.open(options, new FileStorage(), Duration.ofHours(1))) {
            queue.startHistory(BASE);
            appendSchema(queue, 0, ORDERS);
            appendTransaction(queue, 1, ORDERS);
            queue.writer().sync();
            queue.mayGather(true);
            appendTransaction(queue, 2, ORDERS);
            assertFalse(progress(queue, true, Duration.ofMillis(50)), "not gathered");
            assertTrue(progress(queue, false, Duration.ofSeconds(60)), "a thread waits for an hour");
            assertEquals(2, queue.durableTail().seq());

            appendTransaction(queue, 3, ORDERS);
            queue.writer().sync();
            assertEquals(3, queue.durableTail().seq());

            appendTransaction(queue, 4, ORDERS);
            queue.mayGather(false);
            assertTrue(progress(queue, true, Duration.ofSeconds(60)), "gathered although it may not");

            queue.mayGather(true);
            appendTransaction(queue, 5, ORDERS);
        }
        try (ReplicationQueue again = ReplicationQueue.open(options)) {
            assertEquals(5, again.durableTail().seq(), "gathered when it was closed");
        }
    }

    private static boolean progress(ReplicationQueue queue, boolean patient, Duration timeout) throws Exception {
        long records = queue.durableTail().seq() + 1;
        return patient
                ? queue.noticeProgress(queue.durableLsn(), records, timeout)
                : queue.awaitProgress(queue.durableLsn(), records, timeout);
    }
}
