package dev.replicator.queue.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.ValueEncoding;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class RecordStreamParserTest {
    private final long seed = ThreadLocalRandom.current().nextLong();
    private final RandomRows random = new RandomRows(seed);
    private final Epoch epoch = Epoch.begin(3);

    /** Writes down everything it is told. */
    private static class Log implements RecordHandler {
        final List<String> lines = new ArrayList<>();

        @Override
        public void header(RecordHeader header) {
            lines.add("header " + header + " " + header.tables());
        }

        @Override
        public void block(BlockHeader header, ByteBuffer block) {
            lines.add("block " + header + " " + block.remaining() + " " + block.hashCode());
        }

        @Override
        public void end(RecordHeader header) {
            lines.add("end " + header);
        }
    }

    /** Takes records in one piece where it can; what it writes down of one is what its parts would be. */
    private static final class WholeLog extends Log {
        private int pieces;

        @Override
        public boolean wantsWhole(RecordHeader header) {
            return true;
        }

        @Override
        public void whole(RecordHeader header, ByteBuffer image) throws IOException {
            pieces++;
            assertEquals(header.totalLength(), image.remaining());
            Log parts = new Log();
            new RecordStreamParser("image", parts).feed(image);
            lines.addAll(parts.lines);
        }
    }

    private byte[] records(int count) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int seq = 1; seq <= count; seq++) {
            Position at = new Position(epoch, seq, 100L * seq);
            write(out, transaction(at, random.below(60)));
            write(out, ControlRecords.heartbeat(at, seq));
            write(out, ControlRecords.schema(at, random.table(9), seq % 2 == 0));
            write(out, ControlRecords.marker(at, List.of(1, 2), "dump " + seq));
        }
        return out.toByteArray();
    }

    private static void write(ByteArrayOutputStream out, ByteBuffer image) {
        out.write(image.array(), image.arrayOffset() + image.position(), image.remaining());
    }

    private ByteBuffer transaction(Position at, int changes) throws IOException {
        List<ByteBuffer> blocks = new ArrayList<>();
        BodyEncoder body = new BodyEncoder(blocks::add);
        List<TableSchema> tables = List.of(random.table(1), random.table(2));
        for (int i = 0; i < changes; i++) {
            TableSchema table = tables.get(random.below(2));
            body.write(table, random.change(table));
        }
        body.finish();
        RecordHeader header = new RecordHeader(
                RecordKind.TRANSACTION, 0, 0, at, 1L << 40, 7, body.changeCount(), "gtid-ü", body.shares());
        ByteBuffer image = ByteBuffer.allocate((int) header.totalLength());
        header.encode(image);
        blocks.forEach(image::put);
        return image.flip();
    }

    @Test
    void shouldSayTheSameHoweverTheStreamIsCut() throws IOException {
        byte[] stream = records(20);
        Log whole = new Log();
        new RecordStreamParser("test", whole).feed(ByteBuffer.wrap(stream));
        for (int size : new int[] {1, 2, 3, 7, 19, 20, 35, 36, 37, 1000, 65_536}) {
            Log cut = new Log();
            RecordStreamParser parser = new RecordStreamParser("test", cut);
            for (int at = 0; at < stream.length; at += size) {
                ByteBuffer slice = ByteBuffer.wrap(stream, at, Math.min(size, stream.length - at));
                parser.feed(slice);
                assertFalse(slice.hasRemaining());
            }
            assertEquals(whole.lines, cut.lines, () -> "slices of " + size + ", seed " + seed);
            assertTrue(parser.isAtRecordBoundary());
        }
    }

    @Test
    void shouldGiveRecordsInOnePieceWhenTheyAreThere() throws IOException {
        byte[] stream = records(20);
        Log parts = new Log();
        new RecordStreamParser("test", parts).feed(ByteBuffer.wrap(stream));
        for (int size : new int[] {1, 19, 100, 1000, 65_536, stream.length}) {
            WholeLog whole = new WholeLog();
            RecordStreamParser parser = new RecordStreamParser("test", whole);
            for (int at = 0; at < stream.length; at += size) {
                parser.feed(ByteBuffer.wrap(stream, at, Math.min(size, stream.length - at)));
            }
            assertEquals(parts.lines, whole.lines, () -> "slices of " + size + ", seed " + seed);
            assertTrue(parser.isAtRecordBoundary());
            assertTrue(size < stream.length || whole.pieces == 80, () -> whole.pieces + " of 80 records in one piece");
        }
    }

    @Test
    void shouldNotReadALongBlockAgainForEverySlice() throws IOException {
        TableSchema table = TableSchemas.create(
                1,
                new TableName("s", "t"),
                1,
                'd',
                List.of(new ColumnSchema("b", "bytea", 17, -1, true, ValueEncoding.BYTES)));
        List<ByteBuffer> blocks = new ArrayList<>();
        BodyEncoder body = new BodyEncoder(blocks::add);
        body.write(table, new RowChange(ChangeKind.INSERT, null, new Object[] {random.bytes(48 << 20)}));
        body.finish();
        RecordHeader header =
                new RecordHeader(RecordKind.TRANSACTION, 0, 0, new Position(epoch, 1, 1), 1, 1, 1, "", body.shares());
        Log log = new Log();
        RecordStreamParser parser = new RecordStreamParser("test", log);
        // 48 MiB in slices of 1 KiB: copying what is held for each of them would take 1.2 TB.
        assertTimeoutPreemptively(Duration.ofSeconds(30), () -> {
            parser.feed(header.encode());
            ByteBuffer block = blocks.get(0);
            while (block.hasRemaining()) {
                int count = Math.min(1024, block.remaining());
                parser.feed(block.slice(block.position(), count));
                block.position(block.position() + count);
            }
        });
        assertEquals(3, log.lines.size());
    }

    @Test
    void shouldFindEveryFlippedBitBeforeTheHandlerSeesIt() throws IOException {
        findEveryFlippedBit(Log::new);
    }

    @Test
    void shouldFindEveryFlippedBitBeforeTheHandlerSeesTheRecord() throws IOException {
        findEveryFlippedBit(WholeLog::new);
    }

    private void findEveryFlippedBit(Supplier<Log> logs) throws IOException {
        byte[] stream = records(1);
        Log whole = new Log();
        new RecordStreamParser("test", whole).feed(ByteBuffer.wrap(stream));
        for (int bit = 0; bit < stream.length * 8; bit++) {
            byte[] damaged = stream.clone();
            damaged[bit / 8] ^= (byte) (1 << bit % 8);
            findFlip(damaged, bit / 8, whole, logs.get());
        }
    }

    private void findFlip(byte[] damaged, int at, Log whole, Log seen) throws IOException {
        RecordStreamParser parser = new RecordStreamParser("peer", seen);
        try {
            parser.feed(ByteBuffer.wrap(damaged));
            // A longer header or block than was sent: the parser waits for the rest and has passed nothing on.
            assertFalse(parser.isAtRecordBoundary(), () -> "flip at " + at + " was not found, seed " + seed);
        } catch (CorruptRecordException damage) {
            assertEquals("peer", damage.source());
            assertTrue(damage.offset() <= at, () -> damage.offset() + " for a flip at " + at);
        }
        assertEquals(whole.lines.subList(0, seen.lines.size()), seen.lines, () -> "flip at " + at);
    }

    @Test
    void shouldRefuseGarbage() {
        RecordStreamParser parser = new RecordStreamParser("peer", new Log());
        assertThrows(
                CorruptRecordException.class,
                () -> parser.feed(
                        ByteBuffer.wrap("GET / HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII))));
    }

    @Test
    void shouldReadBackHeaders() throws IOException {
        RecordHeader header = new RecordHeader(
                RecordKind.TRANSACTION,
                RecordHeader.FLAG_TRIMMED,
                77,
                new Position(epoch, Long.MAX_VALUE, -1L),
                1L << 33,
                -5,
                3,
                "mysql-bin.000003:4",
                List.of(new TableShare(-1, 2, 1000), new TableShare(5, 1, 1L << 40)));
        assertEquals(header, RecordHeader.decode(header.encode(), "test", 0));
        assertEquals(header.headerLength(), header.encode().remaining());
        assertEquals(header.headerLength() + 1000 + (1L << 40), header.totalLength());
    }
}
