package dev.replicator.queue.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.replicator.queue.RowChange;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.Blocks;
import dev.replicator.queue.format.ChangeDecoder;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.format.RecordStreamParser;
import dev.replicator.queue.format.TableSchemas;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that an earlier release wrote are read by this one. The samples are never made again. */
class FrozenSamplesTest {
    private static final Path V1 = Path.of("src", "test", "resources", "frozen", "v1");

    @TempDir
    private Path parent;

    /** Decodes every change it meets. */
    private static final class Decoded implements RecordHandler {
        private final List<RecordHeader> headers = new ArrayList<>();
        private final List<RowChange> changes = new ArrayList<>();
        private String json;

        @Override
        public void header(RecordHeader header) {
            headers.add(header);
        }

        @Override
        public void block(BlockHeader header, ByteBuffer block) throws IOException {
            if (header.fingerprint() == 0) {
                json = ControlRecords.jsonOf(block);
                return;
            }
            assertEquals(FrozenSamples.TABLE.fingerprint(), header.fingerprint());
            ByteBuffer payload = Blocks.payload(header, block);
            ChangeDecoder decoder = new ChangeDecoder(FrozenSamples.TABLE);
            for (int i = 0; i < header.changeCount(); i++) {
                changes.add(decoder.next(payload));
            }
            assertFalse(payload.hasRemaining());
        }

        @Override
        public void end(RecordHeader header) {}
    }

    private static Decoded read(String name) throws IOException {
        Decoded decoded = new Decoded();
        new RecordStreamParser(name, decoded).feed(ByteBuffer.wrap(Files.readAllBytes(V1.resolve(name))));
        assertEquals(1, decoded.headers.size());
        return decoded;
    }

    private static void assertSame(List<RowChange> expected, List<RowChange> actual) {
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < expected.size(); i++) {
            assertEquals(expected.get(i).kind(), actual.get(i).kind());
            assertArrayEquals(expected.get(i).before(), actual.get(i).before());
            assertArrayEquals(expected.get(i).after(), actual.get(i).after());
        }
    }

    @Test
    void shouldReadRecordsOfVersion1() throws IOException {
        Decoded transaction = read("transaction.record");
        RecordHeader header = transaction.headers.get(0);
        assertEquals(FrozenSamples.position(12), header.position());
        assertEquals((1L << 32) + 12, header.transactionId());
        assertEquals(2, header.origin());
        assertSame(FrozenSamples.changes(12), transaction.changes);
        assertEquals(FrozenSamples.TABLE, TableSchemas.fromJson(read("schema.record").json));
        assertEquals("g-000001", ControlRecords.markerText(read("marker.record").json));
        assertEquals(
                RecordKind.HEARTBEAT, read("heartbeat.record").headers.get(0).kind());
    }

    @Test
    void shouldReadAQueueOfVersion1() throws IOException {
        Path directory = Directories.copySegments(V1.resolve("queue"), parent.resolve("queue"));
        try (ReplicationQueue queue = ReplicationQueue.open(QueueOptions.of(directory));
                QueueReader reader = queue.readFromStart()) {
            assertEquals(FrozenSamples.position(20), queue.durableTail());
            assertEquals(0x2_0000_0000L, queue.durableLsn());
            assertEquals(11, queue.firstSeq());
            assertEquals(
                    Optional.of(FrozenSamples.TABLE),
                    queue.schema(FrozenSamples.TABLE.tableId(), FrozenSamples.TABLE.fingerprint()));
            List<Long> seqs = new ArrayList<>();
            for (RecordHeader header = reader.next(); header != null; header = reader.next()) {
                if (header.isTransaction()) {
                    seqs.add(header.seq());
                    Decoded decoded = new Decoded();
                    reader.blocks(null, decoded);
                    assertSame(expected(header.seq()), decoded.changes);
                }
            }
            assertEquals(LongStream.rangeClosed(11, 20).boxed().toList(), seqs);
        }
        QueueInspector.open(directory).verify(done -> {});
    }

    private static List<RowChange> expected(long seq) {
        return seq == 15
                ? LongStream.range(0, FrozenSamples.LARGE_ROWS)
                        .mapToObj(row -> FrozenSamples.changes(row).get(0))
                        .toList()
                : FrozenSamples.changes(seq);
    }
}
