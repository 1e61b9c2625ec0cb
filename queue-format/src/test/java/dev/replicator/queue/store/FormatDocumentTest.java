package dev.replicator.queue.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.BodyEncoder;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.format.TableShare;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** The byte tables in docs/format describe what the code writes: each field is read where its table says it stands. */
class FormatDocumentTest {
    private static final Path DOCUMENTS = Path.of("..", "docs", "format");
    private static final Epoch EPOCH = new Epoch(7, new UUID(0x0102030405060708L, 0x090A0B0C0D0E0F10L));
    private static final BigInteger EPOCH_ID = new BigInteger("0102030405060708090A0B0C0D0E0F10", 16);

    private record Field(long offset, int size) {}

    /** Fields of the first byte table below a heading; variables are replaced by their values. */
    private static Map<String, Field> table(String document, String heading, Map<String, Long> variables)
            throws IOException {
        Map<String, Field> fields = new LinkedHashMap<>();
        boolean inside = false;
        for (String line : Files.readAllLines(DOCUMENTS.resolve(document))) {
            if (line.startsWith("## ")) {
                inside = line.equals("## " + heading);
            }
            String[] cells = line.split("\\|", -1);
            if (inside && cells.length == 6 && cells[3].contains("`")) {
                String name = cells[3].strip().replace("`", "");
                fields.put(name, new Field(number(cells[1], variables), (int) number(cells[2], variables)));
            }
        }
        assertTrue(fields.size() > 5, "no byte table under '" + heading + "' in " + document);
        checkContiguous(fields);
        return fields;
    }

    private static void checkContiguous(Map<String, Field> fields) {
        long expected = 0;
        for (Map.Entry<String, Field> field : fields.entrySet()) {
            assertEquals(expected, field.getValue().offset(), field.getKey());
            expected += field.getValue().size();
        }
    }

    /** Sums and products of numbers and variables, such as {@code 96+4*T}. */
    private static long number(String cell, Map<String, Long> variables) {
        String text = cell.strip();
        int minus = text.indexOf('-');
        if (minus > 0) {
            return number(text.substring(0, minus), variables) - number(text.substring(minus + 1), variables);
        }
        long sum = 0;
        for (String term : text.split("\\+")) {
            long product = 1;
            for (String factor : term.split("\\*")) {
                product *= variables.containsKey(factor) ? variables.get(factor) : Long.parseLong(factor);
            }
            sum += product;
        }
        return sum;
    }

    private static void check(Map<String, Field> documented, ByteBuffer bytes, Map<String, Object> expected) {
        List<String> undocumented = new ArrayList<>(expected.keySet());
        undocumented.removeAll(documented.keySet());
        assertEquals(List.of(), undocumented);
        for (Map.Entry<String, Object> entry : expected.entrySet()) {
            Field field = documented.get(entry.getKey());
            assertNotNull(field, entry.getKey());
            byte[] raw = new byte[field.size()];
            bytes.get((int) field.offset(), raw);
            BigInteger value = entry.getValue() instanceof BigInteger big
                    ? big
                    : BigInteger.valueOf(((Number) entry.getValue()).longValue());
            assertEquals(value, new BigInteger(1, raw), entry.getKey());
        }
        long end = documented.values().stream()
                .mapToLong(field -> field.offset() + field.size())
                .max()
                .orElseThrow();
        assertEquals(bytes.limit(), end, "length");
    }

    @Test
    void shouldDescribeTheRecordHeader() throws IOException {
        RecordHeader header = new RecordHeader(
                RecordKind.TRANSACTION,
                1,
                11,
                new Position(EPOCH, 12, 13),
                14,
                15,
                16,
                "abc",
                List.of(new TableShare(1, 16, 500), new TableShare(2, 0, 0)));
        long length = header.headerLength();
        Map<String, Field> table =
                table("transaction-file-v1.md", "Record header", Map.of("G", 3L, "N", 2L, "H", length));
        Map<String, Object> expected = new LinkedHashMap<>();
        expected.put("magic", RecordHeader.MAGIC);
        expected.put("version", RecordHeader.VERSION);
        expected.put("kind", 1);
        expected.put("flags", 1);
        expected.put("headerLength", length);
        expected.put("totalLength", length + 500);
        expected.put("origin", 11);
        expected.put("epochNumber", 7);
        expected.put("epochId", EPOCH_ID);
        expected.put("seq", 12);
        expected.put("endLsn", 13);
        expected.put("transactionId", 14);
        expected.put("commitMicros", 15);
        expected.put("changeCount", 16);
        expected.put("sourcePositionLength", 3);
        expected.put("tableCount", 2);
        check(table, header.encode(), expected);
    }

    @Test
    void shouldDescribeTheBlockHeader() throws IOException {
        List<ByteBuffer> blocks = new ArrayList<>();
        BodyEncoder body = new BodyEncoder(blocks::add);
        body.write(Samples.ORDERS, new RowChange(ChangeKind.INSERT, null, new Object[] {1L, "text"}));
        body.finish();
        ByteBuffer block = blocks.get(0);
        long stored = block.limit() - BlockHeader.LENGTH;
        Map<String, Field> table = table("transaction-file-v1.md", "Block header", Map.of("S", stored));
        assertEquals(BlockHeader.LENGTH, table.get("payload").offset());
        Map<String, Object> expected = new LinkedHashMap<>();
        expected.put("magic", BlockHeader.MAGIC);
        expected.put("tableId", 101);
        expected.put("fingerprint", new BigInteger(Long.toHexString(Samples.ORDERS.fingerprint()), 16));
        expected.put("changeCount", 1);
        expected.put("compression", 0);
        expected.put("rawLength", stored);
        expected.put("storedLength", stored);
        check(table, block, expected);
    }

    @Test
    void shouldListTheRecordKinds() throws IOException {
        List<String> lines = Files.readAllLines(DOCUMENTS.resolve("transaction-file-v1.md"));
        for (RecordKind kind : RecordKind.values()) {
            String row = "| " + kind + " | " + kind.code() + " |";
            assertTrue(lines.stream().anyMatch(line -> line.startsWith(row)), row);
        }
    }

    @Test
    void shouldDescribeTheSegmentHeader() throws IOException {
        UUID queueId = new UUID(0x1102030405060708L, 0x090A0B0C0D0E0F10L);
        SegmentHeader header = new SegmentHeader(21, 2, queueId, new Position(EPOCH, 22, 23), 24, 25);
        Map<String, Object> expected = new LinkedHashMap<>();
        expected.put("magic", SegmentHeader.MAGIC);
        expected.put("formatName", new BigInteger("7265706C2D71756575650000", 16));
        expected.put("version", SegmentHeader.VERSION);
        expected.put("flags", 2);
        expected.put("headerLength", SegmentHeader.LENGTH);
        expected.put("number", 21);
        expected.put("queueId", new BigInteger("1102030405060708090A0B0C0D0E0F10", 16));
        expected.put("epochNumber", 7);
        expected.put("epochId", EPOCH_ID);
        expected.put("baseSeq", 22);
        expected.put("baseLsn", 23);
        expected.put("sourceLsn", 24);
        expected.put("createdMillis", 25);
        check(table("queue-v1.md", "Segment header", Map.of()), header.encode(), expected);
    }

    @Test
    void shouldDescribeTheGroupTrailer() throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(GroupTrailer.LENGTH);
        new GroupTrailer(31, 32, 33, 34, 35).encode(bytes, 1);
        Map<String, Object> expected = new LinkedHashMap<>();
        expected.put("magic", GroupTrailer.MAGIC);
        expected.put("records", 31);
        expected.put("groupOffset", 32);
        expected.put("offset", 33);
        expected.put("lastSeq", 34);
        expected.put("sourceLsn", 35);
        check(table("queue-v1.md", "Group trailer", Map.of()), bytes.flip(), expected);
    }

    @Test
    void shouldDescribeTheFooter() throws IOException {
        SegmentFooter footer =
                new SegmentFooter(41, 42, 43, 44, 45, 46, 47, 48, 49, 1, 50, new int[] {1, 2, 3}, new long[] {60, 61});
        Map<String, Field> table =
                table("queue-v1.md", "Footer", Map.of("T", 3L, "S", 2L, "F", (long) footer.length()));
        Map<String, Object> expected = new LinkedHashMap<>();
        expected.put("magic", Integer.toUnsignedLong(SegmentFooter.MAGIC));
        expected.put("footerLength", footer.length());
        expected.put("offset", 41);
        expected.put("records", 42);
        expected.put("transactions", 43);
        expected.put("changes", 44);
        expected.put("lastSeq", 45);
        expected.put("lastLsn", 46);
        expected.put("sourceLsn", 47);
        expected.put("openingStart", 48);
        expected.put("openingEnd", 49);
        expected.put("flags", 1);
        expected.put("tableCount", 3);
        expected.put("schemaCount", 2);
        expected.put("contentChecksum", 50);
        expected.put("footerLengthAgain", footer.length());
        check(table, footer.encode(), expected);
    }
}
