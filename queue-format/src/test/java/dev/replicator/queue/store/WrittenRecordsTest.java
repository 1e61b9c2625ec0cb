package dev.replicator.queue.store;

import static dev.replicator.queue.store.Samples.BASE;
import static dev.replicator.queue.store.Samples.ITEMS;
import static dev.replicator.queue.store.Samples.ORDERS;
import static dev.replicator.queue.store.Samples.appendHeartbeat;
import static dev.replicator.queue.store.Samples.appendSchema;
import static dev.replicator.queue.store.Samples.appendTransaction;
import static dev.replicator.queue.store.Samples.lsn;
import static dev.replicator.queue.store.Samples.position;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.format.RecordKind;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** R06, R16: who may see what is not durable yet, and what becomes of it. */
class WrittenRecordsTest {

    @TempDir
    private Path directory;

    private final HeldDisk disk = new HeldDisk();
    private Path home;

    @BeforeEach
    void prepare() {
        home = directory.resolve("queue");
    }

    @Test
    void r06ShouldShowTransactionsBeforeTheyAreDurableToThoseWhoAskForThem() throws Exception {
        try (SegmentedQueue queue = begin();
                QueueReader early = early(queue);
                QueueReader patient = queue.readAfter(BASE);
                HeldDisk held = disk) {
            patient.next();
            held.hold();
            long seen = queue.writtenRecords();
            appendTransaction(queue, 1, ORDERS);
            appendHeartbeat(queue, 1, lsn(1) + 50);
            appendTransaction(queue, 2, ORDERS);
            queue.writer().write();

            assertTrue(queue.awaitWritten(seen, Duration.ofSeconds(60)));
            assertEquals(List.of(1L, 2L), Samples.seqs(early));
            assertFalse(early.waitsForDisk());
            assertEquals(lsn(2), early.passedLsn());
            assertNull(patient.next(), "shown to one who did not ask");
            assertEquals(0, queue.durableTail().seq());
            assertThrows(PositionAheadException.class, () -> queue.readAfter(position(1)));
            held.letGo();
            queue.writer().sync();
            assertEquals(List.of(1L, 2L), Samples.seqs(patient));
            assertNull(early.next(), "shown twice");
        }
    }

    @Test
    void r06ShouldShowOtherRecordsAndWhatStandsBehindThemOnlyWhenDurable() throws Exception {
        try (SegmentedQueue queue = begin();
                QueueReader early = early(queue);
                HeldDisk held = disk) {
            held.hold();
            appendTransaction(queue, 1, ORDERS);
            appendSchema(queue, 1, ITEMS);
            appendTransaction(queue, 2, ITEMS);
            queue.writer().write();

            assertEquals(List.of(1L), Samples.seqs(early));
            assertTrue(early.waitsForDisk(), "a schema decides what slaves do with their tables");
            held.letGo();
            queue.writer().sync();
            assertEquals(RecordKind.SCHEMA, early.next().kind());
            assertEquals(2, early.next().seq());
        }
    }

    @Test
    void r16ShouldTakeAgainWhatWasShownAndIsLost() throws Exception {
        Path lost = directory.resolve("lost");
        try (SegmentedQueue queue = begin();
                QueueReader early = early(queue);
                HeldDisk held = disk) {
            appendTransaction(queue, 1, ORDERS);
            queue.writer().sync();
            Directories.copySegments(home, lost);
            held.hold();
            appendTransaction(queue, 2, ORDERS);
            appendTransaction(queue, 3, ORDERS);
            queue.writer().write();
            assertEquals(List.of(1L, 2L, 3L), Samples.seqs(early));
        }
        try (ReplicationQueue queue = ReplicationQueue.open(QueueOptions.of(lost))) {
            assertThrows(PositionAheadException.class, () -> queue.readAfter(position(3)));
            appendTransaction(queue, 2, ORDERS);
            appendTransaction(queue, 3, ORDERS);
            queue.writer().sync();
            assertNull(queue.readAfter(position(3)).next());
        }
    }

    @Test
    void r16ShouldCutRecordsWhoseGroupHasNoEnd() throws Exception {
        Path killed = directory.resolve("killed");
        try (SegmentedQueue queue = begin();
                HeldDisk held = disk) {
            held.hold();
            appendTransaction(queue, 1, ORDERS);
            assertTrue(held.arrived.tryAcquire(60, TimeUnit.SECONDS), "no fsync began");
            appendTransaction(queue, 2, ORDERS);
            queue.writer().write();
            Directories.copySegments(home, killed);
        }
        try (ReplicationQueue queue = ReplicationQueue.open(QueueOptions.of(killed))) {
            assertEquals(1, queue.durableTail().seq());
            assertTrue(queue.recovery().cut().isPresent());
        }
    }

    /** A queue with a durable schema. */
    private SegmentedQueue begin() throws Exception {
        SegmentedQueue queue = SegmentedQueue.open(QueueOptions.of(home), disk);
        queue.startHistory(BASE);
        appendSchema(queue, 0, ORDERS);
        queue.writer().sync();
        return queue;
    }

    /** A reader behind the first schema. */
    private static QueueReader early(ReplicationQueue queue) throws Exception {
        QueueReader reader = queue.readAfter(BASE);
        reader.showWritten();
        assertEquals(RecordKind.SCHEMA, reader.next().kind());
        return reader;
    }
}
