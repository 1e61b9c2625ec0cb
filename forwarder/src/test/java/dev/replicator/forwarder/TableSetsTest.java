package dev.replicator.forwarder;

import static dev.replicator.forwarder.TestStream.ORDERS;
import static dev.replicator.forwarder.TestStream.row;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.TableSelection;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.store.QueueOptions;
import dev.replicator.queue.store.QueueReader;
import dev.replicator.queue.store.ReplicationQueue;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The recorded history of table sets (rule R11), on a real queue. */
final class TableSetsTest {
    private static final TableSelection ONE = new TableSelection(List.of("public.orders"), List.of());
    private static final TableSelection TWO = new TableSelection(List.of("public.*"), List.of("public.audit"));

    @TempDir
    private Path directory;

    private ReplicationQueue queue;
    private TableSets sets;
    private TestStream stream;

    @BeforeEach
    void open() throws Exception {
        queue = ReplicationQueue.open(QueueOptions.of(directory));
        stream = TestStream.begin();
        sets = new TableSets(queue, new QueueAppender(queue));
        assertFalse(sets.record("a", ONE), "nothing can be on record before a history began");
        queue.startHistory(stream.position());
        append(stream.schema(ORDERS));
    }

    @AfterEach
    void close() throws Exception {
        queue.close();
    }

    private void append(ByteBuffer image) throws Exception {
        queue.writer().append(RecordHeader.decode(image.duplicate(), "test", 0), image);
        queue.writer().sync();
    }

    private TableSets reopened() throws Exception {
        TableSets again = new TableSets(queue, new QueueAppender(queue));
        again.open();
        return again;
    }

    private TableSelection inForce(TableSets from, long seq) {
        return from.inForce("a", seq).orElseThrow().selection();
    }

    @Test
    void shouldTellTheSetInForceAtEachPlaceAndWriteOneRecordPerChange() throws Exception {
        assertTrue(sets.record("a", ONE));
        assertFalse(sets.record("a", ONE));
        append(stream.transaction(row(ORDERS, "1")));
        append(stream.transaction(row(ORDERS, "2")));
        assertTrue(sets.record("a", TWO));
        append(stream.transaction(row(ORDERS, "3")));

        for (TableSets each : List.of(sets, reopened())) {
            assertEquals(ONE, inForce(each, 0));
            assertEquals(ONE, inForce(each, 1));
            assertEquals(TWO, inForce(each, 2));
            assertEquals(TWO, inForce(each, 99));
            assertTrue(each.inForce("b", 1).isEmpty());
        }
        List<RecordHeader> records = new ArrayList<>();
        try (QueueReader reader = queue.readFromStart()) {
            for (RecordHeader header = reader.next(Set.of()); header != null; header = reader.next(Set.of())) {
                if (header.kind() == RecordKind.TABLE_SET) {
                    records.add(header);
                }
            }
        }
        assertEquals(List.of(0L, 2L), records.stream().map(RecordHeader::seq).toList());
    }

    @Test
    void r16ShouldFindRecordsInTheQueueThatTheStoredCopyLacks() throws Exception {
        sets.record("a", ONE);
        append(stream.transaction(row(ORDERS, "1")));
        sets.record("a", TWO);
        for (String key : queue.values().list("").keySet()) {
            queue.values().delete(key);
        }
        TableSets again = reopened();
        assertEquals(ONE, inForce(again, 0));
        assertEquals(TWO, inForce(again, 1));
        assertFalse(again.record("a", TWO));
    }

    @Test
    void shouldKeepTheLastSetAndItsVersionWhenTheQueueBeginsAnew() throws Exception {
        sets.record("a", ONE);
        sets.record("a", TWO);
        long version = sets.latest("a").orElseThrow().version();
        sets.reset(500);
        assertEquals(TWO, inForce(sets, 500));
        assertEquals(version, sets.latest("a").orElseThrow().version());
        assertEquals(TWO, inForce(reopened(), 500));
    }
}
