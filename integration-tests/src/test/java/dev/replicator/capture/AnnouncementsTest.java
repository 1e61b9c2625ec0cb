package dev.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.capture.postgres.TransactionIds;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.ValueEncoding;
import dev.replicator.queue.format.TableSchemas;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class AnnouncementsTest {
    private static final TableSchema ORDERS = TableSchemas.create(
            16_400,
            new TableName("public", "orders"),
            1,
            'd',
            List.of(new ColumnSchema("id", "bigint", 20, -1, true, ValueEncoding.LONG)));

    /**
     * The table is published next: a marker of its dump must not come before lanes know the table. In a queue in memory nothing
     * becomes durable unless somebody asks.
     */
    @Test
    void r01ShouldKeepWhoAnnouncesWaitingUntilTheAnnouncementIsDurable() throws Exception {
        Announcements announcements = new Announcements();
        announcements.announce(ORDERS);
        assertFalse(announcements.awaitDurable(Duration.ZERO), "nobody has written it");

        try (Spool spool = new CaptureDisk(1000).open()) {
            spool.beginHistory(new Position(Epoch.begin(1), 0, 1000));
            CompletableFuture<Long> durable =
                    CompletableFuture.supplyAsync(() -> durableWhenTold(announcements, spool));
            TransactionWriter writer = new TransactionWriter(
                    spool,
                    new TransactionIds(),
                    new StatusBoard(),
                    new Resent(spool.commitLog(), spool.queue().durableTail(), 0),
                    why -> {},
                    new Unasked());
            while (!durable.isDone()) {
                announcements.drainTo(writer);
                Thread.onSpinWait();
            }
            assertEquals(1, durable.get());
        }
    }

    private static long durableWhenTold(Announcements announcements, Spool spool) {
        try {
            assertTrue(announcements.awaitDurable(Duration.ofMinutes(1)));
            return spool.queue().durableRecords();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Nobody looks at a catalogue here. */
    private static final class Unasked implements TransactionWriter.CatalogLook {
        @Override
        public void due() {
            throw new AssertionError("the stream describes nothing");
        }

        @Override
        public void await(TransactionWriter writer) {
            throw new AssertionError("the stream describes nothing");
        }
    }
}
