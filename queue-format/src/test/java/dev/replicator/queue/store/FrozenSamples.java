package dev.replicator.queue.store;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.Unchanged;
import dev.replicator.queue.ValueEncoding;
import dev.replicator.queue.format.BodyEncoder;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * What the samples of a format version hold, and how they were made, once. {@link #main} refuses a directory that
 * exists: samples that were published are never made again.
 */
final class FrozenSamples {
    static final Epoch EPOCH = new Epoch(4, new UUID(0x5EED5EED5EED5EEDL, 0x0102030405060708L));
    static final TableSchema TABLE = Samples.table(
            16_401,
            "größe \"x\"",
            3,
            new ColumnSchema("flag", "boolean", 16, -1, false, ValueEncoding.BOOLEAN),
            new ColumnSchema("1st", "integer", 23, -1, false, ValueEncoding.INT),
            new ColumnSchema("raw", "bytea", 17, -1, false, ValueEncoding.BYTES));
    static final int LARGE_ROWS = 2000;

    private FrozenSamples() {}

    /** Makes the samples of the current version in a new directory. */
    public static void main(String[] arguments) throws IOException {
        Path directory = Path.of(arguments[0]);
        Files.createDirectory(directory);
        write(directory.resolve("transaction.record"), transaction(12));
        write(directory.resolve("schema.record"), ControlRecords.schema(position(11), TABLE, false));
        write(directory.resolve("heartbeat.record"), ControlRecords.heartbeat(position(12), 1_763_000_000_000_000L));
        write(
                directory.resolve("marker.record"),
                ControlRecords.marker(position(12), List.of(TABLE.tableId()), "g-000001"));
        makeQueue(directory.resolve("queue"));
        Files.delete(directory.resolve("queue").resolve("lock"));
        QueueIndex.destroy(directory.resolve("queue").resolve("index"));
    }

    private static void write(Path file, ByteBuffer image) throws IOException {
        byte[] bytes = new byte[image.remaining()];
        image.get(bytes);
        Files.write(file, bytes, StandardOpenOption.CREATE_NEW);
    }

    static Position position(long seq) {
        return new Position(EPOCH, seq, 0x1_0000_0000L + seq * 56);
    }

    /** Changes of every kind and values of every encoding. */
    static List<RowChange> changes(long seq) {
        Object[] whole = {seq, "text " + seq + " äöü 日本", seq % 2 == 0, -5, new byte[] {0, -1, 127}};
        Object[] nulls = {seq, null, null, null, null};
        Object[] partly = {-seq, Unchanged.UNCHANGED, false, Integer.MIN_VALUE, Unchanged.UNCHANGED};
        return List.of(
                new RowChange(ChangeKind.INSERT, null, whole),
                new RowChange(ChangeKind.UPDATE, nulls, partly),
                new RowChange(ChangeKind.DELETE, partly, null),
                new RowChange(ChangeKind.TRUNCATE, null, null));
    }

    static ByteBuffer transaction(long seq) throws IOException {
        List<ByteBuffer> blocks = new ArrayList<>();
        BodyEncoder body = new BodyEncoder(blocks::add);
        for (RowChange change : changes(seq)) {
            body.write(TABLE, change);
        }
        body.finish();
        RecordHeader header = header(seq, body);
        ByteBuffer image = ByteBuffer.allocate((int) header.totalLength());
        header.encode(image);
        blocks.forEach(image::put);
        return image.flip();
    }

    private static RecordHeader header(long seq, BodyEncoder body) {
        return new RecordHeader(
                RecordKind.TRANSACTION,
                0,
                2,
                position(seq),
                (1L << 32) + seq,
                1_763_000_000_000_000L + seq,
                body.changeCount(),
                "",
                body.shares());
    }

    /** Transactions 11 to 20 in small segments; 15 is a large one. */
    private static void makeQueue(Path directory) throws IOException {
        try (ReplicationQueue queue = ReplicationQueue.open(new QueueOptions(directory, 1500, 10_000))) {
            queue.startHistory(position(10));
            Samples.append(queue, ControlRecords.schema(position(10), TABLE, false));
            for (long seq = 11; seq <= 20; seq++) {
                if (seq == 15) {
                    makeLarge(queue);
                } else {
                    Samples.append(queue, transaction(seq));
                }
                queue.writer().sync();
            }
            Samples.append(queue, ControlRecords.heartbeat(new Position(EPOCH, 20, 0x2_0000_0000L), 1));
            queue.writer().sync();
        }
    }

    private static void makeLarge(ReplicationQueue queue) throws IOException {
        try (LargeRecord large = queue.writer().beginLarge()) {
            BodyEncoder body = new BodyEncoder(large::appendBody);
            for (long row = 0; row < LARGE_ROWS; row++) {
                body.write(TABLE, changes(row).get(0));
            }
            body.finish();
            large.commit(header(15, body));
        }
    }
}
