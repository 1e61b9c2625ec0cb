package dev.replicator.queue.format;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Records other than transactions. Their body is empty (HEARTBEAT) or one block of JSON text for each table they
 * concern; records that concern no table use table id 0.
 */
public final class ControlRecords {
    private ControlRecords() {}

    /** A SCHEMA record. {@code at}: seq of the transaction before it, and the LSN where it was seen. */
    public static ByteBuffer schema(Position at, TableSchema schema, boolean repeated) {
        int flags = repeated ? RecordHeader.FLAG_REPEATED : 0;
        return json(RecordKind.SCHEMA, flags, at, List.of(schema.tableId()), TableSchemas.toJson(schema));
    }

    /** Source position moved to {@code at.lsn()} and nothing for us came by. */
    public static ByteBuffer heartbeat(Position at, long nowMicros) {
        RecordHeader header = new RecordHeader(RecordKind.HEARTBEAT, 0, 0, at, 0, nowMicros, 0, "", List.of());
        return header.encode();
    }

    /**
     * A DUMP_MARKER record.
     *
     * @param tableIds tables whose dumps it settles; 0 alone when it settles none
     * @param text {@link dev.replicator.queue.Boundary#markerId} of those dumps, or the mark of {@code admin wait}
     */
    public static ByteBuffer marker(Position at, List<Integer> tableIds, String text) {
        String json = JsonNodeFactory.instance.objectNode().put("marker", text).toString();
        return json(RecordKind.DUMP_MARKER, 0, at, tableIds, json);
    }

    /**
     * Text of a DUMP_MARKER record.
     *
     * @param json see {@link #jsonOf}
     * @throws CorruptRecordException when it is no marker
     */
    public static String markerText(String json) throws CorruptRecordException {
        try {
            return new ObjectMapper().readTree(json).required("marker").asText();
        } catch (JsonProcessingException | IllegalArgumentException e) {
            CorruptRecordException corrupt =
                    new CorruptRecordException("DUMP_MARKER record", 0, "no marker text in it");
            corrupt.initCause(e);
            throw corrupt;
        }
    }

    /**
     * A record with the same JSON for each table it concerns.
     *
     * @param tableIds tables a receiver must carry (any of them) to get it; 0 alone means no table
     */
    public static ByteBuffer json(RecordKind kind, int flags, Position at, List<Integer> tableIds, String json) {
        List<ByteBuffer> blocks =
                tableIds.stream().map(id -> TableSchemas.jsonBlock(id, json)).toList();
        List<TableShare> shares = blocks.stream()
                .map(block -> new TableShare(block.getInt(4), 0, block.remaining()))
                .toList();
        RecordHeader header = new RecordHeader(kind, flags, 0, at, 0, 0, 0, "", shares);
        ByteBuffer image = ByteBuffer.allocate(Math.toIntExact(header.totalLength()));
        header.encode(image);
        blocks.forEach(image::put);
        return image.flip();
    }

    /**
     * JSON text of a control record.
     *
     * @param image the record at the buffer's position, which stays
     */
    public static String jsonOf(RecordHeader header, ByteBuffer image) throws CorruptRecordException {
        ByteBuffer block = image.duplicate();
        return jsonOf(block.position(block.position() + header.headerLength()));
    }

    /**
     * JSON text of a control record's first block.
     *
     * @param block whole block at the buffer's position
     */
    public static String jsonOf(ByteBuffer block) throws CorruptRecordException {
        BlockHeader header = BlockHeader.peek(block, "control record", 0);
        header.verify(block, "control record", 0);
        ByteBuffer payload = Blocks.payload(header, block);
        return StandardCharsets.UTF_8.decode(payload).toString();
    }
}
