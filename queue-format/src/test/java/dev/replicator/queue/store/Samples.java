package dev.replicator.queue.store;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.ValueEncoding;
import dev.replicator.queue.format.BodyEncoder;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.format.TableSchemas;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** Records with contents that follow from their numbers, for tests of the store. */
final class Samples {
    static final Epoch EPOCH = new Epoch(1, new UUID(0x1122334455667788L, 0x99AABBCCDDEEFF00L));
    static final Position BASE = new Position(EPOCH, 0, 1000);
    static final TableSchema ORDERS = table(101, "orders", 1);
    static final TableSchema ITEMS = table(102, "items", 1);
    static final TableSchema USERS = table(103, "users", 1);

    private Samples() {}

    static TableSchema table(int id, String name, int incarnation, ColumnSchema... more) {
        List<ColumnSchema> columns = new ArrayList<>(List.of(
                new ColumnSchema("id", "bigint", 20, -1, true, ValueEncoding.LONG),
                new ColumnSchema("note", "text", 25, -1, false, ValueEncoding.TEXT)));
        columns.addAll(List.of(more));
        return TableSchemas.create(id, new TableName("public", name), incarnation, 'd', columns);
    }

    static long lsn(long seq) {
        return 1000 + 100 * seq;
    }

    static Position position(long seq) {
        return new Position(EPOCH, seq, lsn(seq));
    }

    /** Transaction {@code seq} with one inserted row per table. */
    static ByteBuffer transaction(Position at, TableSchema... tables) throws IOException {
        return transaction(at, "note " + at.seq(), tables);
    }

    static ByteBuffer transaction(Position at, String note, TableSchema... tables) throws IOException {
        List<ByteBuffer> blocks = new ArrayList<>();
        BodyEncoder body = new BodyEncoder(blocks::add);
        for (TableSchema table : tables) {
            Object[] row = new Object[table.columns().size()];
            row[0] = at.seq();
            row[1] = note;
            body.write(table, new RowChange(ChangeKind.INSERT, null, row));
        }
        body.finish();
        RecordHeader header = header(at, body);
        ByteBuffer image = ByteBuffer.allocate((int) header.totalLength());
        header.encode(image);
        blocks.forEach(image::put);
        return image.flip();
    }

    static RecordHeader header(Position at, BodyEncoder body) {
        return new RecordHeader(
                RecordKind.TRANSACTION,
                0,
                0,
                at,
                5000 + at.seq(),
                1_700_000_000_000_000L + at.seq(),
                body.changeCount(),
                "",
                body.shares());
    }

    static RecordHeader headerOf(ByteBuffer image) throws IOException {
        return RecordHeader.decode(image.duplicate(), "sample", 0);
    }

    static void append(ReplicationQueue queue, ByteBuffer image) throws IOException {
        queue.writer().append(headerOf(image), image.duplicate());
    }

    static void appendTransaction(ReplicationQueue queue, long seq, TableSchema... tables) throws IOException {
        append(queue, transaction(position(seq), tables));
    }

    static void appendSchema(ReplicationQueue queue, long seq, TableSchema schema) throws IOException {
        append(queue, ControlRecords.schema(position(seq), schema, false));
    }

    static void appendHeartbeat(ReplicationQueue queue, long seq, long lsn) throws IOException {
        append(queue, ControlRecords.heartbeat(new Position(EPOCH, seq, lsn), 1));
    }

    /** Everything a reader still has: one line per record. */
    static List<String> drain(QueueReader reader) throws IOException {
        List<String> lines = new ArrayList<>();
        for (RecordHeader header = reader.next(); header != null; header = reader.next()) {
            lines.add(header.toString());
        }
        return lines;
    }

    /** seqs of the transactions a reader still has; every image is verified. */
    static List<Long> seqs(QueueReader reader) throws IOException {
        List<Long> seqs = new ArrayList<>();
        for (RecordHeader header = reader.next(); header != null; header = reader.next()) {
            ByteBuffer image = reader.image(1 << 30);
            if (header.isTransaction() && headerOf(image).equals(header)) {
                seqs.add(header.seq());
            }
        }
        return seqs;
    }
}
