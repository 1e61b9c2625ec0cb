package dev.replicator.benchmarks;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.ValueEncoding;
import dev.replicator.queue.format.BodyEncoder;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.format.TableSchemas;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** Transactions as pgbench makes them: three updates and one insert, each in a table of its own. */
public final class Transactions {
    public static final Position BASE = new Position(new Epoch(1, new UUID(1, 2)), 0, 1_000);
    public static final TableSchema ACCOUNTS = table(16_401, "accounts");
    public static final TableSchema TELLERS = table(16_402, "tellers");
    public static final TableSchema BRANCHES = table(16_403, "branches");
    public static final TableSchema HISTORY = table(16_404, "history");
    public static final List<TableSchema> TABLES = List.of(ACCOUNTS, TELLERS, BRANCHES, HISTORY);

    private static final String FILLER = "x".repeat(84);

    private final List<ByteBuffer> blocks = new ArrayList<>();
    private final BodyEncoder body = new BodyEncoder(blocks::add);

    private static TableSchema table(int id, String name) {
        List<ColumnSchema> columns = List.of(
                new ColumnSchema("id", "bigint", 20, -1, true, ValueEncoding.LONG),
                new ColumnSchema("branch", "integer", 23, -1, false, ValueEncoding.INT),
                new ColumnSchema("balance", "integer", 23, -1, false, ValueEncoding.INT),
                new ColumnSchema("filler", "text", 25, -1, false, ValueEncoding.TEXT));
        return TableSchemas.create(id, new TableName("public", name), 1, 'd', columns);
    }

    /** The header of the transaction last encoded. */
    public RecordHeader header(long seq) {
        return new RecordHeader(
                RecordKind.TRANSACTION,
                0,
                0,
                new Position(BASE.epoch(), seq, BASE.lsn() + 100 * seq),
                5_000 + seq,
                1_700_000_000_000_000L + seq,
                body.changeCount(),
                "",
                body.shares());
    }

    /** Encodes a transaction whole. */
    public ByteBuffer encode(long seq) throws IOException {
        blocks.clear();
        body.reset();
        for (TableSchema table : TABLES) {
            ChangeKind kind = table == HISTORY ? ChangeKind.INSERT : ChangeKind.UPDATE;
            body.write(table, new RowChange(kind, null, new Object[] {seq, (int) (seq % 50), (int) -seq, FILLER}));
        }
        body.finish();
        RecordHeader header = header(seq);
        ByteBuffer image = ByteBuffer.allocate((int) header.totalLength());
        header.encode(image);
        blocks.forEach(image::put);
        return image.flip();
    }
}
