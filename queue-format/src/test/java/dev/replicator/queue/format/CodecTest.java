package dev.replicator.queue.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.Unchanged;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.junit.jupiter.api.Test;

class CodecTest {
    private final long seed = ThreadLocalRandom.current().nextLong();
    private final RandomRows random = new RandomRows(seed);

    private static final class Body {
        private final List<ByteBuffer> blocks = new ArrayList<>();
        private final BodyEncoder encoder = new BodyEncoder(blocks::add);
    }

    private record Written(TableSchema table, RowChange change) {}

    private List<Written> write(Body body, int changes) throws IOException {
        List<TableSchema> tables = List.of(random.table(1), random.table(2), random.table(3));
        List<Written> written = new ArrayList<>();
        TableSchema table = tables.get(0);
        for (int i = 0; i < changes; i++) {
            table = random.below(5) == 0 ? tables.get(random.below(3)) : table;
            RowChange change = random.change(table);
            body.encoder.write(table, change);
            written.add(new Written(table, change));
        }
        body.encoder.finish();
        return written;
    }

    @Test
    void shouldReadBackWhatWasWritten() throws IOException {
        for (int round = 0; round < 200; round++) {
            Body body = new Body();
            List<Written> written = write(body, random.below(300));
            int at = 0;
            for (ByteBuffer block : body.blocks) {
                BlockHeader header = BlockHeader.peek(block, "test", 0);
                header.verify(block, "test", 0);
                TableSchema table = written.get(at).table();
                assertEquals(table.tableId(), header.tableId());
                assertEquals(table.fingerprint(), header.fingerprint());
                ByteBuffer payload = Blocks.payload(header, block);
                ChangeDecoder decoder = new ChangeDecoder(table);
                for (int i = 0; i < header.changeCount(); i++) {
                    assertSame(written.get(at++).change(), decoder.next(payload));
                }
                assertFalse(payload.hasRemaining());
            }
            assertEquals(written.size(), at, "seed " + seed);
            assertEquals(
                    body.blocks.stream().mapToLong(ByteBuffer::remaining).sum(),
                    body.encoder.shares().stream()
                            .mapToLong(TableShare::blockBytes)
                            .sum());
        }
    }

    private void assertSame(RowChange expected, RowChange actual) {
        assertEquals(expected.kind(), actual.kind(), () -> "seed " + seed);
        assertArrayEquals(expected.before(), actual.before(), () -> "seed " + seed);
        assertArrayEquals(expected.after(), actual.after(), () -> "seed " + seed);
    }

    @Test
    void shouldBePlainAvro() throws IOException {
        for (int round = 0; round < 50; round++) {
            Body body = new Body();
            List<Written> written = write(body, 100);
            int at = 0;
            for (ByteBuffer block : body.blocks) {
                BlockHeader header = BlockHeader.peek(block, "test", 0);
                Schema schema =
                        new Schema.Parser().parse(written.get(at).table().avroSchema());
                ByteBuffer payload = Blocks.payload(header, block);
                byte[] bytes = new byte[payload.remaining()];
                payload.get(bytes);
                BinaryDecoder avro = DecoderFactory.get().binaryDecoder(bytes, null);
                GenericDatumReader<GenericRecord> reader = new GenericDatumReader<>(schema);
                for (int i = 0; i < header.changeCount(); i++) {
                    assertSameAsAvro(written.get(at++), reader.read(null, avro));
                }
                assertTrue(avro.isEnd());
            }
        }
    }

    private void assertSameAsAvro(Written written, GenericRecord avro) {
        assertEquals(written.change().kind().name(), avro.get("kind").toString());
        assertSameAsAvro(written.change().before(), (GenericRecord) avro.get("before"));
        assertSameAsAvro(written.change().after(), (GenericRecord) avro.get("after"));
    }

    private void assertSameAsAvro(Object[] image, GenericRecord avro) {
        if (image == null || avro == null) {
            assertEquals(image == null, avro == null, () -> "seed " + seed);
            return;
        }
        for (int i = 0; i < image.length; i++) {
            Object value = avro.get(i);
            if (image[i] == Unchanged.UNCHANGED) {
                assertEquals("Unchanged", ((GenericRecord) value).getSchema().getName());
            } else if (image[i] instanceof byte[] bytes) {
                assertEquals(ByteBuffer.wrap(bytes), value, () -> "seed " + seed);
            } else if (image[i] instanceof String text) {
                assertEquals(text, value.toString(), () -> "seed " + seed);
            } else {
                assertEquals(image[i], value, () -> "seed " + seed);
            }
        }
    }

    @Test
    void shouldRestoreASchemaFromItsRecord() throws IOException {
        for (int round = 0; round < 200; round++) {
            TableSchema table = random.table(round);
            assertEquals(table, TableSchemas.fromJson(TableSchemas.toJson(table)), () -> "seed " + seed);
        }
    }

    @Test
    void shouldRefuseASchemaWhoseTextWasChanged() {
        TableSchema table = random.table(1);
        String json = TableSchemas.toJson(table).replace("type0", "type9");
        assertThrows(CorruptRecordException.class, () -> TableSchemas.fromJson(json));
        assertThrows(CorruptRecordException.class, () -> TableSchemas.fromJson("{}"));
        assertThrows(CorruptRecordException.class, () -> TableSchemas.fromJson("no json"));
    }

    @Test
    void shouldFindEveryFlippedBitOfABlock() throws IOException {
        Body body = new Body();
        write(body, 3);
        for (ByteBuffer block : body.blocks) {
            for (int bit = 0; bit < block.limit() * 8; bit++) {
                ByteBuffer damaged = ByteBuffer.allocate(block.limit())
                        .put(block.duplicate())
                        .flip();
                damaged.put(bit / 8, (byte) (damaged.get(bit / 8) ^ 1 << bit % 8));
                assertThrows(CorruptRecordException.class, () -> BlockHeader.peek(damaged, "test", 0)
                        .verify(damaged, "test", 0));
            }
        }
    }

    @Test
    void shouldOpenBlocksInEveryKindOfBuffer() throws IOException {
        Body body = new Body();
        List<Written> written = write(body, 1);
        ByteBuffer block = body.blocks.get(0);
        BlockHeader header = BlockHeader.peek(block, "test", 0);
        ByteBuffer shifted = ByteBuffer.allocate(block.limit() + 20);
        shifted.position(7).put(block.duplicate());
        ByteBuffer slice = shifted.position(5).slice();
        slice.position(2).limit(2 + block.limit());
        ByteBuffer direct =
                ByteBuffer.allocateDirect(block.limit()).put(block.duplicate()).flip();
        for (ByteBuffer in : List.of(slice, direct, slice.asReadOnlyBuffer())) {
            header.verify(in, "test", 0);
            ByteBuffer payload = Blocks.payload(header, in);
            assertSame(written.get(0).change(), new ChangeDecoder(written.get(0).table()).next(payload));
        }
    }

    @Test
    void shouldNeverTakeGarbageForAChange() {
        TableSchema table = random.table(1);
        ChangeDecoder decoder = new ChangeDecoder(table);
        int refused = 0;
        for (int round = 0; round < 20_000; round++) {
            ByteBuffer garbage = ByteBuffer.wrap(random.bytes(random.below(40)));
            try {
                RowChange change = decoder.next(garbage);
                assertTrue(change.kind() != null);
            } catch (CorruptRecordException expected) {
                refused++;
            }
        }
        assertTrue(refused > 15_000, "refused " + refused + ", seed " + seed);
    }

    @Test
    void shouldCloseBlocksWhenTheyAreFull() throws IOException {
        Body body = new Body();
        TableSchema table = random.table(1);
        Object[] row = new Object[table.columns().size()];
        for (int i = 0; i < BodyEncoder.BLOCK_BYTES; i++) {
            body.encoder.write(table, new RowChange(ChangeKind.INSERT, null, row));
        }
        assertTrue(body.blocks.size() >= 1, "blocks leave before the transaction ends");
        assertTrue(body.encoder.length() > 0);
        body.encoder.finish();
        assertEquals(BodyEncoder.BLOCK_BYTES, body.encoder.changeCount());
    }
}
