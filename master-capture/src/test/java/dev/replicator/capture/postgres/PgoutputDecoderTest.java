package dev.replicator.capture.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.Unchanged;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.Blocks;
import dev.replicator.queue.format.BodyEncoder;
import dev.replicator.queue.format.ChangeDecoder;
import dev.replicator.queue.format.ChangeEncoder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Messages are built by hand from the manual's "Logical Replication Message Formats". */
class PgoutputDecoderTest {
    private static final int TABLE = 16385;

    private final Sink sink = new Sink();
    private final PgoutputDecoder decoder = new PgoutputDecoder(sink);

    @Test
    void shouldDecodeEveryIntegerWithoutRounding() throws IOException {
        describe(20);
        for (String value : List.of("0", "-1", "9223372036854775807", "-9223372036854775808")) {
            assertEquals(Long.valueOf(value), insert(value).after()[0]);
        }
    }

    @Test
    void shouldDecodeByteaAndBoolean() throws IOException {
        describe(17);
        assertTrue(Arrays.equals(
                new byte[] {0, -1, 0x1a}, (byte[]) insert("\\x00ff1A").after()[0]));
        assertEquals(0, ((byte[]) insert("\\x").after()[0]).length);
        describe(16);
        assertEquals(true, insert("t").after()[0]);
        assertEquals(false, insert("f").after()[0]);
    }

    @Test
    void shouldTellUnknownFromNullInOldKeys() throws IOException {
        describe(23, 25);
        RowChange change = decode(message('U', out -> {
            integer(out, TABLE);
            out.write('K');
            tuple(out, "7", null);
            out.write('N');
            shortInteger(out, 2);
            text(out, "8");
            out.write('u');
        }));
        assertEquals(List.of(7, Unchanged.UNCHANGED), Arrays.asList(change.before()));
        assertEquals(List.of(8, Unchanged.UNCHANGED), Arrays.asList(change.after()));
    }

    @Test
    void shouldUseDeclaredTypeNames() throws IOException {
        decoder.decode(message('Y', out -> {
            integer(out, 16500);
            name(out, "App");
            name(out, "mood");
        }));
        describe(16500);
        assertEquals("\"App\".mood", sink.schema.columns().get(0).typeName());
    }

    @Test
    void shouldRefuseWhatIsNoMessageOfThisProtocol() throws IOException {
        assertThrows(ProtocolException.class, () -> decoder.decode(message('S', out -> integer(out, 1))));
        assertThrows(ProtocolException.class, () -> insert("1"));
        describe(23);
        assertThrows(ProtocolException.class, () -> insert("1", "2"));
        assertThrows(ProtocolException.class, () -> insert("1x"));
        assertThrows(ProtocolException.class, () -> insert(""));
        assertThrows(ProtocolException.class, () -> decoder.decode(message('I', out -> integer(out, TABLE))));
    }

    private RowChange insert(String... values) throws IOException {
        return decode(message('I', out -> {
            integer(out, TABLE);
            out.write('N');
            tuple(out, values);
        }));
    }

    private RowChange decode(ByteBuffer message) throws IOException {
        sink.blocks.clear();
        sink.body.reset();
        decoder.decode(message);
        sink.body.finish();
        ByteBuffer block = sink.blocks.get(0);
        BlockHeader header = BlockHeader.peek(block, "test", 0);
        return new ChangeDecoder(sink.schema).next(Blocks.payload(header, block));
    }

    /** A table whose first column is its key. */
    private void describe(int... typeOids) throws IOException {
        decoder.decode(message('R', out -> {
            integer(out, TABLE);
            name(out, "public");
            name(out, "t");
            out.write('d');
            shortInteger(out, typeOids.length);
            for (int i = 0; i < typeOids.length; i++) {
                out.write(i == 0 ? 1 : 0);
                name(out, "c" + i);
                integer(out, typeOids[i]);
                integer(out, -1);
            }
        }));
    }

    private interface Content {
        void writeTo(ByteArrayOutputStream out);
    }

    private static ByteBuffer message(char kind, Content content) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(kind);
        content.writeTo(out);
        return ByteBuffer.wrap(out.toByteArray());
    }

    private static void tuple(ByteArrayOutputStream out, String... values) {
        shortInteger(out, values.length);
        for (String value : values) {
            if (value == null) {
                out.write('n');
            } else {
                text(out, value);
            }
        }
    }

    private static void text(ByteArrayOutputStream out, String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        out.write('t');
        integer(out, bytes.length);
        out.writeBytes(bytes);
    }

    private static void name(ByteArrayOutputStream out, String value) {
        out.writeBytes(value.getBytes(StandardCharsets.UTF_8));
        out.write(0);
    }

    private static void integer(ByteArrayOutputStream out, int value) {
        out.writeBytes(ByteBuffer.allocate(4).putInt(value).array());
    }

    private static void shortInteger(ByteArrayOutputStream out, int value) {
        out.writeBytes(ByteBuffer.allocate(2).putShort((short) value).array());
    }

    /** Keeps blocks. */
    private static final class Sink implements TransactionSink {
        private final List<ByteBuffer> blocks = new ArrayList<>();
        private final BodyEncoder body = new BodyEncoder(blocks::add);
        private TableSchema schema;

        @Override
        public void begin(long commitLsn, long commitMicros, int transactionId) {}

        @Override
        public void relation(TableSchema described) {
            schema = described;
        }

        @Override
        public ChangeEncoder beginChange(TableSchema table, ChangeKind kind) throws IOException {
            return body.beginChange(table, kind);
        }

        @Override
        public void endChange() throws IOException {
            body.endChange();
        }

        @Override
        public void message(boolean transactional, String prefix, String content) {}

        @Override
        public void commit(long endLsn) {}
    }
}
