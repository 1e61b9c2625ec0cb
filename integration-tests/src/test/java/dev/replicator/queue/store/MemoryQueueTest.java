package dev.replicator.queue.store;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.ValueEncoding;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.TableSchemas;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the model's queue has to have in common with the one on files. */
class MemoryQueueTest {
    private static final Position BASE = new Position(Epoch.begin(1), 0, 1000);

    @Test
    void r08ShouldKnowNothingOfASchemaWhoseRecordACrashLost() throws IOException {
        MemoryDisk disk = new MemoryDisk(2);
        MemoryQueue queue = new MemoryQueue(disk);
        queue.startHistory(BASE);
        append(queue, ControlRecords.schema(BASE, table(1), false));
        append(queue, ControlRecords.heartbeat(BASE, 0));
        append(queue, ControlRecords.heartbeat(BASE, 0));
        append(queue, ControlRecords.schema(BASE, table(2), false));

        queue.syncSome(3);
        assertEquals(2, queue.segments().size(), "the third record begins a segment");
        assertEquals(Map.of(11, table(1)), new MemoryQueue(disk).schemasAt(0));
    }

    @Test
    void r07ShouldKnowNoSchemaAfterAReset() throws IOException {
        MemoryDisk disk = new MemoryDisk(2);
        MemoryQueue queue = new MemoryQueue(disk);
        queue.startHistory(BASE);
        append(queue, ControlRecords.schema(BASE, table(1), false));

        queue.resetTo(new Position(BASE.epoch(), 5, 2000));
        assertEquals(Map.of(), queue.schemasAt(5));
        assertEquals(Map.of(), new MemoryQueue(disk).schemasAt(5));
    }

    private static TableSchema table(int incarnation) {
        ColumnSchema id = new ColumnSchema("id", "bigint", 20, -1, true, ValueEncoding.LONG);
        return TableSchemas.create(11, new TableName("public", "a"), incarnation, 'd', List.of(id));
    }

    private static void append(MemoryQueue queue, ByteBuffer image) throws IOException {
        queue.writer().append(StoredRecord.of(image).header(), image);
    }
}
