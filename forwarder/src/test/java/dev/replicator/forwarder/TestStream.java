package dev.replicator.forwarder;

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
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.List;

/** Makes a master's history: schemas, transactions, markers, with positions that follow one another. */
final class TestStream {
    static final TableSchema ORDERS = table(100, "public.orders", 1);
    static final TableSchema CUSTOMERS = table(200, "public.customers", 1);
    static final TableSchema SECRET = table(300, "hr.secret", 1);

    private final Epoch epoch;
    private Position at;

    TestStream(Epoch epoch, long seq, long lsn) {
        this.epoch = epoch;
        this.at = new Position(epoch, seq, lsn);
    }

    static TestStream begin() {
        return new TestStream(Epoch.begin(1), 0, 1000);
    }

    /** One row's insert: its table and its text. */
    record Row(TableSchema table, String text) {}

    static Row row(TableSchema table, String text) {
        return new Row(table, text);
    }

    static TableSchema table(int id, String name, int incarnation) {
        return table(id, name, incarnation, "note");
    }

    static TableSchema table(int id, String name, int incarnation, String column) {
        return TableSchemas.create(
                id,
                TableName.parse(name),
                incarnation,
                'd',
                List.of(
                        new ColumnSchema("id", "bigint", 20, -1, true, ValueEncoding.LONG),
                        new ColumnSchema(column, "text", 25, -1, false, ValueEncoding.TEXT)));
    }

    Position position() {
        return at;
    }

    ByteBuffer schema(TableSchema schema) {
        return ControlRecords.schema(at, schema, false);
    }

    ByteBuffer marker(String text, TableSchema... tables) {
        List<Integer> ids = tables.length == 0
                ? List.of(0)
                : List.of(tables).stream().map(TableSchema::tableId).toList();
        return ControlRecords.marker(at, ids, text);
    }

    ByteBuffer heartbeat(long lsn) {
        return ControlRecords.heartbeat(new Position(epoch, at.seq(), lsn), nowMicros());
    }

    /** The next transaction: one insert per row, in order. */
    ByteBuffer transaction(Row... rows) {
        at = new Position(epoch, at.seq() + 1, at.lsn() + 100);
        return image(at, rows);
    }

    static ByteBuffer image(Position position, Row... rows) {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        BodyEncoder encoder = new BodyEncoder(block -> {
            byte[] bytes = new byte[block.remaining()];
            block.get(bytes);
            body.write(bytes);
        });
        try {
            long id = 1;
            for (Row row : rows) {
                encoder.write(row.table(), new RowChange(ChangeKind.INSERT, null, new Object[] {id++, row.text()}));
            }
            encoder.finish();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        RecordHeader header = new RecordHeader(
                RecordKind.TRANSACTION,
                0,
                0,
                position,
                700 + position.seq(),
                nowMicros(),
                encoder.changeCount(),
                "",
                encoder.shares());
        ByteBuffer image = ByteBuffer.allocate(Math.toIntExact(header.totalLength()));
        header.encode(image);
        return image.put(body.toByteArray()).flip();
    }

    private static long nowMicros() {
        return System.currentTimeMillis() * 1000;
    }
}
