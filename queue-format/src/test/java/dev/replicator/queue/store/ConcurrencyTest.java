package dev.replicator.queue.store;

import static dev.replicator.queue.store.Samples.BASE;
import static dev.replicator.queue.store.Samples.ITEMS;
import static dev.replicator.queue.store.Samples.ORDERS;
import static dev.replicator.queue.store.Samples.appendSchema;
import static dev.replicator.queue.store.Samples.appendTransaction;
import static dev.replicator.queue.store.Samples.position;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.format.RecordHeader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ConcurrencyTest {
    private static final int TRANSACTIONS = 20_000;

    @TempDir
    private Path directory;

    /** Follows the tail to the last transaction; the seqs it met. */
    private static long follow(ReplicationQueue queue, long after, Set<Integer> tables) throws Exception {
        long expected = after;
        long matching = 0;
        try (QueueReader reader = queue.readAfter(position(after))) {
            while (reader.passedSeq() < TRANSACTIONS) {
                long lsn = queue.durableLsn();
                long records = queue.durableRecords();
                RecordHeader header = reader.next(tables);
                if (header == null) {
                    queue.awaitProgress(lsn, records, Duration.ofSeconds(10));
                } else if (header.isTransaction()) {
                    assertTrue(header.seq() <= queue.durableTail().seq(), "a reader saw what is not durable");
                    assertTrue(tables != null || header.seq() == expected + 1);
                    assertEquals(header, Samples.headerOf(reader.image(1 << 20)));
                    expected = header.seq();
                    matching++;
                }
            }
        }
        return matching;
    }

    @Test
    void shouldServeReadersWhileItWrites() throws Exception {
        ExecutorService threads = Executors.newCachedThreadPool();
        try (ReplicationQueue queue = ReplicationQueue.open(new QueueOptions(directory, 200_000, 1 << 20))) {
            queue.startHistory(BASE);
            List<Future<Long>> all = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                all.add(threads.submit(() -> follow(queue, 0, null)));
            }
            Future<Long> few = threads.submit(() -> follow(queue, 0, Set.of(ITEMS.tableId())));
            Future<Long> inspections = threads.submit(() -> inspect(queue));
            threads.submit(() -> write(queue)).get(100, TimeUnit.SECONDS);
            for (Future<Long> reader : all) {
                assertEquals(TRANSACTIONS, reader.get(60, TimeUnit.SECONDS));
            }
            assertEquals(TRANSACTIONS / 100, few.get(60, TimeUnit.SECONDS));
            assertTrue(inspections.get(60, TimeUnit.SECONDS) > 0);
        } finally {
            threads.shutdownNow();
        }
    }

    private static Void write(ReplicationQueue queue) throws IOException {
        appendSchema(queue, 0, ORDERS);
        appendSchema(queue, 0, ITEMS);
        for (long seq = 1; seq <= TRANSACTIONS; seq++) {
            appendTransaction(queue, seq, seq % 100 == 0 ? ITEMS : ORDERS);
        }
        queue.writer().sync();
        return null;
    }

    /** Looks into the living directory from outside, again and again. */
    private long inspect(ReplicationQueue queue) throws IOException {
        long looks = 0;
        long seen = 0;
        while (seen < TRANSACTIONS) {
            long before = queue.durableTail().seq();
            QueueInspector inspector = QueueInspector.open(directory);
            seen = inspector.tail().seq();
            assertTrue(seen >= before, seen + " seen from outside, " + before + " were durable before");
            inspector.verify(done -> {});
            looks++;
        }
        return looks;
    }

    @Test
    void shouldTellAReaderThatItsPlaceWasPruned() throws IOException, ExecutionException {
        try (ReplicationQueue queue = ReplicationQueue.open(new QueueOptions(directory, 2000, 1 << 20))) {
            queue.startHistory(BASE);
            for (long seq = 1; seq <= 30; seq++) {
                appendTransaction(queue, seq, ORDERS);
            }
            queue.writer().sync();
            QueueReader slow = queue.readAfter(position(0));
            QueueReader tail = queue.readAfter(position(30));
            assertEquals(1, slow.next().seq());
            queue.pruneUpTo(30);
            // Its own segment stays readable to the end; the next one is gone.
            assertThrows(PositionPrunedException.class, () -> {
                while (slow.next() != null) {
                    assertTrue(slow.passedSeq() < 30);
                }
            });
            assertEquals(null, tail.next());
            queue.resetTo(position(100));
            assertThrows(PositionPrunedException.class, tail::next);
            slow.close();
            tail.close();
        }
    }
}
