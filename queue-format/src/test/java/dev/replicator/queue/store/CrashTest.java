package dev.replicator.queue.store;

import static dev.replicator.queue.store.Samples.BASE;
import static dev.replicator.queue.store.Samples.ITEMS;
import static dev.replicator.queue.store.Samples.ORDERS;
import static dev.replicator.queue.store.Samples.appendHeartbeat;
import static dev.replicator.queue.store.Samples.appendSchema;
import static dev.replicator.queue.store.Samples.appendTransaction;
import static dev.replicator.queue.store.Samples.position;
import static dev.replicator.queue.store.Samples.seqs;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.BodyEncoder;
import dev.replicator.queue.store.FaultyStorage.Fault;
import dev.replicator.queue.store.FaultyStorage.Left;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** R16: whatever moment the process, the power or the disk dies, nothing acknowledged is lost and nothing is torn open. */
class CrashTest {
    private static final int LAST = 24;
    private static final int LARGE = 13;

    @TempDir
    private Path parent;

    private long acknowledged;

    private static QueueOptions options(Path directory) {
        return new QueueOptions(directory, 1500, 10_000);
    }

    private interface Step {
        void run() throws IOException;
    }

    /** Runs a step again as long as the disk is full. */
    private static void insist(Step step) throws IOException {
        for (int attempt = 0; attempt < 5; attempt++) {
            try {
                step.run();
                return;
            } catch (QueueFullException e) {
                assertTrue(attempt < 4, "the disk was full once only");
            }
        }
    }

    /** Brings the queue from wherever it is to transaction {@link #LAST}. */
    private void work(Path directory, Storage storage) throws IOException {
        try (SegmentedQueue queue = SegmentedQueue.open(options(directory), storage)) {
            if (!queue.hasHistory()) {
                insist(() -> queue.startHistory(BASE));
            }
            for (TableSchema schema : List.of(ORDERS, ITEMS)) {
                if (queue.schema(schema.tableId(), schema.fingerprint()).isEmpty()) {
                    insist(() -> appendSchema(queue, queue.durableTail().seq(), schema));
                }
            }
            for (long seq = queue.durableTail().seq() + 1; seq <= LAST; seq++) {
                long number = seq;
                if (seq == LARGE) {
                    appendLarge(queue);
                } else {
                    insist(() -> appendTransaction(queue, number, ORDERS));
                }
                if (seq % 3 == 0) {
                    insist(() -> appendHeartbeat(queue, number, Samples.lsn(number) + 5));
                    insist(() -> queue.writer().sync());
                    acknowledged = queue.durableTail().seq();
                }
            }
            insist(() -> queue.writer().sync());
            acknowledged = queue.durableTail().seq();
        }
    }

    private static void appendLarge(SegmentedQueue queue) throws IOException {
        try (LargeRecord large = queue.writer().beginLarge()) {
            BodyEncoder body = new BodyEncoder(block -> insist(() -> large.appendBody(block.duplicate())));
            for (int row = 0; row < 300; row++) {
                body.write(
                        row % 100 < 50 ? ITEMS : ORDERS,
                        new RowChange(ChangeKind.INSERT, null, new Object[] {(long) row, "large " + row}));
            }
            body.finish();
            insist(() -> large.commit(Samples.header(position(LARGE), body)));
        }
    }

    private static void check(Path directory, long atLeast) throws IOException {
        try (ReplicationQueue queue = ReplicationQueue.open(options(directory))) {
            if (!queue.hasHistory()) {
                assertEquals(0, atLeast);
                return;
            }
            long tail = queue.durableTail().seq();
            assertTrue(tail >= atLeast, "acknowledged " + atLeast + ", tail " + tail);
            try (QueueReader reader = queue.readFromStart()) {
                assertEquals(LongStream.rangeClosed(1, tail).boxed().toList(), seqs(reader));
            }
        }
        QueueInspector.open(directory).verify(done -> {});
    }

    @Test
    void r16ShouldLoseNothingAcknowledgedWhereverThePowerFails() throws IOException {
        int step = 0;
        boolean struck = true;
        while (struck) {
            step++;
            Left left = Left.values()[step % 3];
            Path directory = parent.resolve("crash-" + step);
            FaultyStorage storage = new FaultyStorage(Fault.CRASH, step);
            acknowledged = 0;
            try {
                work(directory, storage);
            } catch (IOException powerFailure) {
                assertTrue(storage.struck(), () -> "only the power may fail: " + powerFailure);
            }
            struck = storage.struck();
            storage.settle(left);
            check(directory, acknowledged);
            work(directory, new FileStorage());
            check(directory, LAST);
        }
        assertTrue(step > 50, "steps: " + step);
    }

    @Test
    void r16ShouldGoOnWhenTheFullDiskHasSpaceAgain() throws IOException {
        int step = 0;
        boolean struck = true;
        while (struck) {
            step++;
            Path directory = parent.resolve("full-" + step);
            FaultyStorage storage = new FaultyStorage(Fault.FULL, step);
            work(directory, storage);
            struck = storage.struck();
            check(directory, LAST);
            step += 2;
        }
        assertTrue(step > 50, "steps: " + step);
    }

    @Test
    void r08ShouldNotKnowASchemaThatTheFullDiskRefused() throws IOException {
        TableSchema rewritten = Samples.table(ORDERS.tableId(), "orders", 2);
        HeldDisk disk = new HeldDisk();
        try (SegmentedQueue queue = SegmentedQueue.open(options(parent.resolve("refused")), disk)) {
            queue.startHistory(BASE);
            appendSchema(queue, 0, ORDERS);
            queue.writer().sync();
            disk.full(true);
            appendTransaction(queue, 1, ORDERS);
            assertThrows(QueueFullException.class, () -> queue.writer().sync());
            assertThrows(QueueFullException.class, () -> appendSchema(queue, 1, rewritten));

            disk.full(false);
            queue.writer().sync();
            assertEquals(ORDERS, queue.schemasAt(1).get(ORDERS.tableId()), "no record tells of the other one");
            appendSchema(queue, 1, rewritten);
            assertEquals(rewritten, queue.schemasAt(1).get(ORDERS.tableId()));
        }
    }

    @Test
    void r16ShouldNeverAcknowledgeAfterAFailedSync() throws IOException {
        for (int step = 10; step <= 60; step += 7) {
            Path directory = parent.resolve("sync-" + step);
            FaultyStorage storage = new FaultyStorage(Fault.SYNC_FAILS, step);
            acknowledged = 0;
            assertThrows(IOException.class, () -> work(directory, storage));
            long before = acknowledged;
            storage.settle(Left.NOTHING);
            check(directory, before);
        }
    }

    @Test
    void r16ShouldRefuseEverythingAfterAFailedSync() throws IOException {
        FaultyStorage storage = new FaultyStorage(Fault.SYNC_FAILS, 8);
        try (SegmentedQueue queue = SegmentedQueue.open(options(parent.resolve("stop")), storage)) {
            queue.startHistory(BASE);
            appendTransaction(queue, 1, ORDERS);
            assertThrows(IOException.class, () -> {
                queue.writer().sync();
                appendTransaction(queue, 2, ORDERS);
                queue.writer().sync();
            });
            assertThrows(IOException.class, () -> queue.writer().sync());
            assertThrows(
                    IOException.class,
                    () -> appendTransaction(queue, queue.writer().lastSeq() + 1, ORDERS));
        }
    }
}
