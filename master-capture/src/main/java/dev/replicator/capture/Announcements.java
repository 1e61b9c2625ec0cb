package dev.replicator.capture;

import dev.replicator.queue.TableSchema;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Hands SCHEMA records from the catalogue watcher to the reader, which writes them between two transactions: the only
 * place where they stand in order with the stream. Thread-safe.
 */
final class Announcements {
    private final ConcurrentLinkedQueue<Item> waiting = new ConcurrentLinkedQueue<>();

    /** Either a schema to announce or, with null, a mark to pass. */
    private record Item(TableSchema schema, CountDownLatch passed) {}

    void announce(TableSchema schema) {
        waiting.add(new Item(schema, new CountDownLatch(0)));
    }

    /**
     * Waits until all that was announced before is durable.
     *
     * @return false when it did not come to it in time
     */
    boolean awaitDurable(Duration timeout) throws InterruptedException {
        CountDownLatch passed = new CountDownLatch(1);
        waiting.add(new Item(null, passed));
        return passed.await(timeout.toMillis(), TimeUnit.MILLISECONDS);
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    /**
     * Called by the reader between transactions. Who waits goes on when all before is durable: a table is published then, and
     * were the announcement lost in a crash, a dump's marker would come by before lanes know the table.
     */
    void drainTo(TransactionWriter writer) throws java.io.IOException {
        for (Item item = waiting.poll(); item != null; item = waiting.poll()) {
            if (item.schema() != null) {
                writer.announce(item.schema());
            } else {
                writer.sync();
            }
            item.passed().countDown();
        }
    }
}
