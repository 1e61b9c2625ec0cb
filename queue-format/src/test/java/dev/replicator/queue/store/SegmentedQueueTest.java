package dev.replicator.queue.store;

import static dev.replicator.queue.store.Samples.BASE;
import static dev.replicator.queue.store.Samples.EPOCH;
import static dev.replicator.queue.store.Samples.ITEMS;
import static dev.replicator.queue.store.Samples.ORDERS;
import static dev.replicator.queue.store.Samples.USERS;
import static dev.replicator.queue.store.Samples.appendHeartbeat;
import static dev.replicator.queue.store.Samples.appendSchema;
import static dev.replicator.queue.store.Samples.appendTransaction;
import static dev.replicator.queue.store.Samples.position;
import static dev.replicator.queue.store.Samples.seqs;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.BodyEncoder;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmentedQueueTest {
    @TempDir
    private Path directory;

    private QueueOptions small() {
        return new QueueOptions(directory, 2000, 10_000);
    }

    private ReplicationQueue filled(int transactions) throws IOException {
        ReplicationQueue queue = ReplicationQueue.open(small());
        queue.startHistory(BASE);
        appendSchema(queue, 0, ORDERS);
        appendSchema(queue, 0, ITEMS);
        for (long seq = 1; seq <= transactions; seq++) {
            appendTransaction(queue, seq, seq % 10 == 0 ? ITEMS : ORDERS);
        }
        queue.writer().sync();
        return queue;
    }

    private static List<Long> range(long from, long to) {
        return LongStream.rangeClosed(from, to).boxed().toList();
    }

    @Test
    void shouldKeepEverythingAcrossReopening() throws IOException {
        try (ReplicationQueue queue = filled(100)) {
            assertEquals(position(100), queue.durableTail());
            assertTrue(queue.segments().size() > 5, "segments roll at their size");
        }
        try (ReplicationQueue queue = ReplicationQueue.open(small());
                QueueReader reader = queue.readFromStart()) {
            assertEquals(new RecoveryReport(Optional.empty(), false, 0), queue.recovery());
            assertEquals(position(100), queue.durableTail());
            assertEquals(1, queue.firstSeq());
            assertEquals(range(1, 100), seqs(reader));
            assertEquals(Optional.of(ORDERS), queue.schema(101, ORDERS.fingerprint()));
            assertEquals(Set.of(101, 102), queue.schemasAt(0).keySet());
            appendTransaction(queue, 101, ORDERS);
            queue.writer().sync();
            assertEquals(List.of(101L), seqs(reader));
        }
    }

    @Test
    void shouldStandExactlyBehindAPosition() throws IOException {
        try (ReplicationQueue queue = filled(60)) {
            for (long seq = 0; seq <= 60; seq++) {
                try (QueueReader reader = queue.readAfter(position(seq))) {
                    assertEquals(range(seq + 1, 60), seqs(reader));
                    assertEquals(60, reader.passedSeq());
                }
                assertEquals(Optional.of(position(seq)), queue.positionOf(seq));
            }
            assertEquals(Optional.empty(), queue.positionOf(61));
        }
    }

    @Test
    void shouldRefuseForkedAndUnknownPositions() throws IOException {
        try (ReplicationQueue queue = filled(60)) {
            assertThrows(ForkedHistoryException.class, () -> queue.readAfter(new Position(EPOCH, 30, 1)));
            assertThrows(ForkedHistoryException.class, () -> queue.readAfter(new Position(EPOCH, 0, 1)));
            assertThrows(
                    ForkedHistoryException.class,
                    () -> queue.readAfter(new Position(Epoch.begin(1), 30, Samples.lsn(30))));
            assertThrows(PositionAheadException.class, () -> queue.readAfter(position(61)));
            queue.pruneUpTo(30);
            long first = queue.firstSeq();
            assertTrue(first > 1 && first <= 31, "pruned to " + first);
            assertThrows(PositionPrunedException.class, () -> queue.readAfter(position(first - 2)));
            try (QueueReader reader = queue.readAfter(position(first - 1))) {
                assertEquals(range(first, 60), seqs(reader));
            }
        }
    }

    /** Who has everything up to a transaction need not have the control records that stand behind it. */
    @Test
    void r16ShouldKeepControlRecordsBehindTheLastTransactionThatSomebodyHas() throws IOException {
        try (ReplicationQueue queue = filled(1)) {
            int incarnation = 2;
            while (queue.segments().stream().noneMatch(segment -> segment.closed() && segment.lastSeq() == 1)) {
                appendSchema(queue, 1, Samples.table(101, "orders", incarnation++));
                queue.writer().sync();
            }
            queue.pruneUpTo(1);
            assertEquals(1, queue.segments().get(0).lastSeq());
            try (QueueReader reader = queue.readAfter(position(1))) {
                RecordHeader first = reader.next();
                assertEquals(RecordKind.SCHEMA, first.kind());
                assertFalse(first.hasFlag(RecordHeader.FLAG_REPEATED));
            }
            appendTransaction(queue, 2, ORDERS);
            queue.writer().sync();
            queue.pruneUpTo(2);
            assertTrue(queue.segments().get(0).lastSeq() > 1);
        }
    }

    @Test
    void shouldRefuseWhatDoesNotFollow() throws IOException {
        try (ReplicationQueue queue = filled(10)) {
            assertThrows(OutOfOrderException.class, () -> appendTransaction(queue, 12, ORDERS));
            assertThrows(OutOfOrderException.class, () -> appendTransaction(queue, 10, ORDERS));
            assertThrows(OutOfOrderException.class, () -> appendHeartbeat(queue, 9, 5000));
            Position other = new Position(Epoch.begin(2), 11, 9999);
            assertThrows(OutOfOrderException.class, () -> Samples.append(queue, Samples.transaction(other, ORDERS)));
            assertEquals(10, queue.writer().lastSeq());
        }
    }

    @Test
    void shouldMoveTheSourcePositionButNotTheTailByHeartbeats() throws Exception {
        try (ReplicationQueue queue = filled(3)) {
            long lsn = queue.durableLsn();
            long records = queue.durableRecords();
            assertFalse(queue.awaitProgress(lsn, records, Duration.ofMillis(1)));
            appendHeartbeat(queue, 3, 7777);
            assertTrue(queue.awaitProgress(lsn, records, Duration.ofSeconds(30)));
            assertEquals(7777, queue.durableLsn());
            assertEquals(position(3), queue.durableTail());
        }
        try (ReplicationQueue queue = ReplicationQueue.open(small())) {
            assertEquals(7777, queue.durableLsn());
            assertEquals(position(3), queue.durableTail());
        }
    }

    @Test
    void shouldPassOverSegmentsWithoutTheTables() throws IOException {
        try (ReplicationQueue queue = filled(100)) {
            try (QueueReader reader = queue.readAfter(position(0))) {
                List<Long> found = new ArrayList<>();
                for (RecordHeader header = reader.next(Set.of(102));
                        header != null;
                        header = reader.next(Set.of(102))) {
                    if (header.isTransaction()) {
                        found.add(header.seq());
                    }
                }
                assertEquals(List.of(10L, 20L, 30L, 40L, 50L, 60L, 70L, 80L, 90L, 100L), found);
                assertEquals(100, reader.passedSeq());
            }
            assertTrue(queue.nothingFor(Set.of(999), 50));
            assertFalse(queue.nothingFor(Set.of(101), 50));
        }
    }

    @Test
    void shouldNotLoseControlRecordsInSegmentsPassedOver() throws IOException {
        try (ReplicationQueue queue = filled(40)) {
            appendSchema(queue, 40, USERS);
            for (long seq = 41; seq <= 100; seq++) {
                appendTransaction(queue, seq, ORDERS);
            }
            queue.writer().sync();
            try (QueueReader reader = queue.readAfter(position(5))) {
                RecordHeader header = reader.next(Set.of(999));
                assertEquals(RecordKind.SCHEMA, header.kind());
                assertEquals(40, header.seq());
                assertNull(reader.next(Set.of(999)));
                assertEquals(100, reader.passedSeq());
            }
        }
    }

    @Test
    void r16ShouldKnowSchemasOfPrunedSegments() throws IOException {
        TableSchema next = Samples.table(101, "orders", 2);
        try (ReplicationQueue queue = filled(50)) {
            appendSchema(queue, 50, next);
            for (long seq = 51; seq <= 100; seq++) {
                appendTransaction(queue, seq, ORDERS);
            }
            queue.writer().sync();
            assertEquals(1, queue.schemasAt(49).get(101).incarnation());
            assertEquals(2, queue.schemasAt(50).get(101).incarnation());
            assertTrue(queue.pruneUpTo(95) > 0);
        }
        try (ReplicationQueue queue = ReplicationQueue.open(small())) {
            assertTrue(queue.firstSeq() > 60);
            assertEquals(Optional.of(next), queue.schema(101, next.fingerprint()));
            assertEquals(2, queue.schemasAt(100).get(101).incarnation());
            assertEquals(Optional.of(ITEMS), queue.schema(102, ITEMS.fingerprint()));
        }
    }

    @Test
    void r16ShouldPassALargeTransactionThroughItsOwnSegment() throws IOException {
        int blocks;
        try (ReplicationQueue queue = filled(5)) {
            try (LargeRecord large = queue.writer().beginLarge()) {
                BodyEncoder body = new BodyEncoder(large::appendBody);
                for (int row = 0; row < 40_000; row++) {
                    body.write(
                            row % 3 == 0 ? ITEMS : ORDERS,
                            new RowChange(ChangeKind.INSERT, null, new Object[] {(long) row, "n" + row}));
                }
                body.finish();
                large.commit(Samples.header(position(6), body));
                blocks = body.shares().size();
            }
            appendTransaction(queue, 7, ORDERS);
            queue.writer().sync();
            assertEquals(2, blocks);
        }
        try (ReplicationQueue queue = ReplicationQueue.open(small());
                QueueReader reader = queue.readAfter(position(5))) {
            assertEquals(position(7), queue.durableTail());
            RecordHeader header = reader.next();
            assertEquals(6, header.seq());
            assertEquals(40_000, header.changeCount());
            assertEquals(header, Samples.headerOf(reader.image(1 << 30)));
            assertThrows(IllegalStateException.class, () -> reader.image(1000));
            assertEquals(List.of(7L), seqs(reader));
            try (QueueReader behind = queue.readAfter(position(6))) {
                assertEquals(List.of(7L), seqs(behind));
            }
        }
    }

    @Test
    void r16ShouldForgetALargeTransactionThatIsNotCommitted() throws IOException {
        try (ReplicationQueue queue = filled(5)) {
            try (LargeRecord large = queue.writer().beginLarge()) {
                large.appendBody(ByteBuffer.allocate(100));
            }
            appendTransaction(queue, 6, ORDERS);
            queue.writer().sync();
            assertEquals(position(6), queue.durableTail());
        }
    }

    @Test
    void shouldBeginANewEpochBehindTheOldOne() throws IOException {
        Position next = new Position(Epoch.begin(2), 20, 50);
        try (ReplicationQueue queue = filled(15)) {
            assertThrows(
                    IllegalArgumentException.class, () -> queue.startHistory(new Position(Epoch.begin(2), 14, 50)));
            queue.startHistory(next);
            assertEquals(next, queue.durableTail());
            assertEquals(50, queue.durableLsn());
            assertEquals(Optional.of(next), queue.positionOf(20));
            assertEquals(Optional.of(position(15)), queue.positionOf(15));
        }
        try (ReplicationQueue queue = ReplicationQueue.open(small())) {
            assertEquals(next, queue.durableTail());
            assertEquals(1, queue.firstSeq());
            Samples.append(queue, Samples.transaction(new Position(next.epoch(), 21, 60), ORDERS));
            queue.writer().sync();
            try (QueueReader reader = queue.readAfter(position(15))) {
                assertEquals(List.of(21L), seqs(reader));
            }
            try (QueueReader reader = queue.readAfter(next)) {
                assertEquals(List.of(21L), seqs(reader));
            }
            assertThrows(ForkedHistoryException.class, () -> queue.readAfter(position(16)));
        }
    }

    @Test
    void shouldBeginAnewAfterAReset() throws IOException {
        Position next = new Position(EPOCH, 500, Samples.lsn(500));
        try (ReplicationQueue queue = filled(50)) {
            queue.values().put("cursor/a", "12");
            queue.resetTo(next);
            assertEquals(next, queue.durableTail());
            assertEquals(501, queue.firstSeq());
            assertEquals(1, queue.segments().size());
            assertEquals(Optional.empty(), queue.schema(101, ORDERS.fingerprint()));
            appendTransaction(queue, 501, ORDERS);
            queue.writer().sync();
        }
        try (ReplicationQueue queue = ReplicationQueue.open(small());
                QueueReader reader = queue.readFromStart()) {
            assertEquals(List.of(501L), seqs(reader));
            assertEquals(Optional.of("12"), queue.values().get("cursor/a"));
            assertThrows(PositionPrunedException.class, () -> queue.readAfter(position(40)));
        }
    }

    @Test
    void shouldLockItsDirectory() throws IOException {
        try (ReplicationQueue queue = ReplicationQueue.open(small())) {
            QueueLockedException locked =
                    assertThrows(QueueLockedException.class, () -> ReplicationQueue.open(small()));
            assertTrue(locked.getMessage()
                    .contains("process " + ProcessHandle.current().pid()));
            assertFalse(queue.hasHistory());
        }
    }

    @Test
    void shouldKeepNamedValues() throws IOException {
        try (ReplicationQueue queue = ReplicationQueue.open(small())) {
            queue.values().put("a/1", "one");
            queue.values().put("a/2", "two");
            queue.values().put("b/1", "other");
            queue.values().delete("a/1");
        }
        try (ReplicationQueue queue = ReplicationQueue.open(small())) {
            assertEquals(Map.of("a/2", "two"), queue.values().list("a/"));
            assertEquals(Optional.empty(), queue.values().get("a/1"));
        }
    }
}
