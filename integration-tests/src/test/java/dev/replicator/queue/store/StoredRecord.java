package dev.replicator.queue.store;

import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.Blocks;
import dev.replicator.queue.format.ChangeDecoder;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.CorruptRecordException;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.TableSchemas;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A record of a {@link MemoryQueue}. What is in it is decoded once, whoever asks. */
public final class StoredRecord {
    private static final Map<String, TableSchema> PARSED = new ConcurrentHashMap<>();

    private final RecordHeader header;
    private final byte[] bytes;
    private List<TableChanges> changes;

    /** Changes of one block. The arrays are shared: copy before writing to them. */
    public record TableChanges(int tableId, List<RowChange> changes) {}

    private StoredRecord(RecordHeader header, byte[] bytes) {
        this.header = header;
        this.bytes = bytes;
    }

    public static StoredRecord of(ByteBuffer image) throws IOException {
        return copyOf(RecordHeader.decode(image.duplicate(), "model", 0), image);
    }

    static StoredRecord copyOf(RecordHeader header, ByteBuffer image) {
        byte[] copy = new byte[image.remaining()];
        image.duplicate().get(copy);
        return new StoredRecord(header, copy);
    }

    public RecordHeader header() {
        return header;
    }

    /** The whole image. */
    public ByteBuffer image() {
        return ByteBuffer.wrap(bytes);
    }

    boolean isImage(ByteBuffer image) {
        return image.hasArray() && image.array() == bytes;
    }

    /** JSON text of a control record. */
    public String json() throws CorruptRecordException {
        return ControlRecords.jsonOf(ByteBuffer.wrap(bytes).position(header.headerLength()));
    }

    /** Content of a SCHEMA record. */
    public TableSchema schema() throws CorruptRecordException {
        String json = json();
        TableSchema known = PARSED.get(json);
        if (known == null) {
            known = TableSchemas.fromJson(json);
            PARSED.put(json, known);
        }
        return known;
    }

    /** Changes of a transaction, block by block. */
    public List<TableChanges> changes(ReplicationQueue queue) throws IOException {
        if (changes == null) {
            changes = decoded(queue);
        }
        return changes;
    }

    private List<TableChanges> decoded(ReplicationQueue queue) throws IOException {
        List<TableChanges> blocks = new ArrayList<>();
        ByteBuffer image = ByteBuffer.wrap(bytes).position(header.headerLength());
        while (image.hasRemaining()) {
            BlockHeader block = BlockHeader.peek(image, "model", 0);
            TableSchema schema =
                    queue.schema(block.tableId(), block.fingerprint()).orElseThrow();
            ChangeDecoder decoder = new ChangeDecoder(schema);
            ByteBuffer payload = Blocks.payload(block, image);
            List<RowChange> rows = new ArrayList<>();
            for (int i = 0; i < block.changeCount(); i++) {
                rows.add(decoder.next(payload));
            }
            blocks.add(new TableChanges(block.tableId(), rows));
            image.position(image.position() + (int) block.blockLength());
        }
        return blocks;
    }

    void blocks(Set<Integer> tableIds, RecordHandler handler) throws IOException {
        handler.header(header);
        ByteBuffer image = ByteBuffer.wrap(bytes).position(header.headerLength());
        while (image.hasRemaining()) {
            BlockHeader block = BlockHeader.peek(image, "model", 0);
            if (tableIds == null || tableIds.contains(block.tableId())) {
                ByteBuffer one = image.duplicate();
                one.limit(image.position() + (int) block.blockLength());
                handler.block(block, one);
            }
            image.position(image.position() + (int) block.blockLength());
        }
        handler.end(header);
    }
}
