package dev.replicator.launcher;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.Unchanged;
import dev.replicator.queue.ValueEncoding;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.BodyEncoder;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.format.RecordStreamParser;
import dev.replicator.queue.format.TableSchemas;
import dev.replicator.queue.store.QueueOptions;
import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.runtime.cli.CliErrors;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class QueueCommandTest {
    private static final Epoch EPOCH = Epoch.begin(1);
    private static final TableSchema ORDERS = TableSchemas.create(
            4000,
            new TableName("public", "orders"),
            1,
            'd',
            List.of(
                    new ColumnSchema("id", "bigint", 20, -1, true, ValueEncoding.LONG),
                    new ColumnSchema("note", "text", 25, -1, false, ValueEncoding.TEXT),
                    new ColumnSchema("picture", "bytea", 17, -1, false, ValueEncoding.BYTES)));

    @TempDir
    private Path parent;

    private Path directory;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void makeQueue() throws IOException {
        directory = parent.resolve("queue");
        try (ReplicationQueue queue = ReplicationQueue.open(new QueueOptions(directory, 2000, 1 << 20))) {
            queue.startHistory(position(0));
            ByteBuffer schema = ControlRecords.schema(position(0), ORDERS, false);
            queue.writer().append(RecordHeader.decode(schema.duplicate(), "test", 0), schema);
            for (long seq = 1; seq <= 40; seq++) {
                append(queue, seq);
            }
            queue.writer().sync();
        }
    }

    private static Position position(long seq) {
        return new Position(EPOCH, seq, 0x16B3748 + seq * 16);
    }

    private static void append(ReplicationQueue queue, long seq) throws IOException {
        List<ByteBuffer> blocks = new ArrayList<>();
        BodyEncoder body = new BodyEncoder(blocks::add);
        body.write(
                ORDERS, new RowChange(ChangeKind.INSERT, null, new Object[] {seq, "it's " + seq, new byte[] {1, 15}}));
        body.write(
                ORDERS,
                new RowChange(
                        ChangeKind.UPDATE,
                        new Object[] {seq, Unchanged.UNCHANGED, Unchanged.UNCHANGED},
                        new Object[] {-seq, null, Unchanged.UNCHANGED}));
        body.finish();
        RecordHeader header = new RecordHeader(
                RecordKind.TRANSACTION, 0, 0, position(seq), 700 + seq, 1_763_632_800_000_000L, 2, "", body.shares());
        ByteBuffer image = ByteBuffer.allocate((int) header.totalLength());
        header.encode(image);
        blocks.forEach(image::put);
        queue.writer().append(header, image.flip());
    }

    private int run(String... arguments) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        CommandLine command = CliErrors.install(new CommandLine(new QueueCommand()));
        return command.setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(arguments);
    }

    private JsonNode json() throws IOException {
        return new ObjectMapper().readTree(out.toString());
    }

    @Test
    void shouldDescribeForPeopleAndPrograms() throws IOException {
        assertEquals(0, run("describe", "--directory", directory.toString()), err::toString);
        assertTrue(out.toString().contains("transactions     1 to 40"), out::toString);
        assertTrue(out.toString().contains("public.orders"), out::toString);
        assertEquals(0, run("describe", "--directory", directory.toString(), "--output", "json"));
        assertEquals(40, json().path("lastSeq").asLong());
        assertEquals("0/16B39C8", json().path("position").asText());
        assertTrue(json().path("segments").size() > 2);
        assertEquals(
                "public.orders", json().path("tables").path(0).path("table").asText());
    }

    @Test
    void shouldLookIntoAQueueThatIsOpen() throws IOException {
        try (ReplicationQueue queue = ReplicationQueue.open(QueueOptions.of(directory))) {
            append(queue, 41);
            queue.writer().sync();
            assertEquals(0, run("verify", "--directory", directory.toString(), "--output", "json"), err::toString);
            assertFalse(json().path("damaged").asBoolean());
            assertEquals(0, run("show", "41", "--directory", directory.toString()), err::toString);
            append(queue, 42);
            queue.writer().sync();
        }
    }

    @Test
    void shouldNameFileAndOffsetOfDamage() throws IOException {
        Path file = directory.resolve("segment-0000000002.queue");
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 4;
        Files.write(file, bytes);
        assertEquals(3, run("verify", "--directory", directory.toString()));
        assertTrue(err.toString().contains(file.toString()), err::toString);
        assertTrue(err.toString().contains("offset"), err::toString);
        assertEquals(3, run("verify", "--directory", directory.toString(), "--output", "json"));
        assertEquals(file.toString(), json().path("file").asText());
        assertTrue(json().path("offset").asLong() <= bytes.length / 2);
    }

    @Test
    void shouldListRecordsInOrder() throws IOException {
        assertEquals(0, run("list", "--directory", directory.toString(), "--output", "json"), err::toString);
        List<Long> seqs = new ArrayList<>();
        for (JsonNode record : json()) {
            if (record.path("kind").asText().equals("TRANSACTION")) {
                seqs.add(record.path("seq").asLong());
                assertEquals(
                        "public.orders",
                        record.path("tables").path(0).path("table").asText());
            }
        }
        assertEquals(40, seqs.size());
        assertEquals(0, run("list", "--directory", directory.toString(), "--from", "39"));
        assertEquals(3, out.toString().lines().count(), out::toString);
        assertTrue(out.toString().contains("2025-11-20T10:00:00Z"), out::toString);
    }

    @Test
    void shouldShowRows() throws IOException {
        assertEquals(0, run("show", "7", "--directory", directory.toString()), err::toString);
        assertTrue(out.toString().contains("public.orders INSERT id=7 note='it\\'s 7' picture=\\x010f"), out::toString);
        assertTrue(
                out.toString()
                        .contains("UPDATE old id=7 note=(unchanged) picture=(unchanged) id=-7 note=null"
                                + " picture=(unchanged)"),
                out::toString);
        assertEquals(0, run("show", "7", "--directory", directory.toString(), "--output", "json"));
        JsonNode update = json().path("rows").path(1);
        assertEquals(-7, update.path("after").path("id").asLong());
        assertTrue(update.path("after").path("note").isNull());
        assertEquals("picture", update.path("afterUnchanged").path(0).asText());
    }

    @Test
    void shouldExportAFileThatIsReadableAlone() throws IOException {
        Path file = parent.resolve("t9");
        assertEquals(0, run("export", "9", file.toString(), "--directory", directory.toString()), err::toString);
        List<RecordKind> kinds = new ArrayList<>();
        List<TableSchema> schemas = new ArrayList<>();
        RecordStreamParser parser = new RecordStreamParser(file.toString(), new RecordHandler() {
            @Override
            public void header(RecordHeader header) {
                kinds.add(header.kind());
            }

            @Override
            public void block(BlockHeader header, ByteBuffer block) throws IOException {
                if (kinds.size() == 1) {
                    schemas.add(TableSchemas.fromJson(ControlRecords.jsonOf(block)));
                } else {
                    assertEquals(ORDERS.fingerprint(), header.fingerprint());
                }
            }

            @Override
            public void end(RecordHeader header) {}
        });
        parser.feed(ByteBuffer.wrap(Files.readAllBytes(file)));
        assertTrue(parser.isAtRecordBoundary());
        assertEquals(List.of(RecordKind.SCHEMA, RecordKind.TRANSACTION), kinds);
        assertEquals(List.of(ORDERS), schemas);
        byte[] before = Files.readAllBytes(file);
        assertEquals(2, run("export", "10", file.toString(), "--directory", directory.toString()));
        assertArrayEquals(before, Files.readAllBytes(file));
    }

    @Test
    void shouldSayWhatIsNotThere() {
        assertEquals(1, run("show", "99", "--directory", directory.toString()));
        assertTrue(err.toString().contains("holds 1 to 40"), err::toString);
        assertEquals(1, run("describe", "--directory", parent.resolve("none").toString()));
        assertTrue(err.toString().contains("none"), err::toString);
        assertEquals(2, run("describe"));
        assertEquals(2, run());
    }
}
