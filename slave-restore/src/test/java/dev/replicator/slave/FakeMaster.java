package dev.replicator.slave;

import dev.replicator.dumps.ChunkWriter;
import dev.replicator.dumps.DumpManifest;
import dev.replicator.dumps.DumpStore;
import dev.replicator.dumps.SnapshotInfo;
import dev.replicator.dumps.StoredDump;
import dev.replicator.dumps.TableDefinition;
import dev.replicator.queue.Boundary;
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
import dev.replicator.queue.store.QueueOptions;
import dev.replicator.queue.store.ReplicationQueue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A master made of maps: tables (id int primary key, v text), whose transactions go into a real queue and whose dumps go
 * into a real store. Used by one test thread at a time.
 */
final class FakeMaster implements AutoCloseable {
    final ReplicationQueue queue;
    final DumpStore dumps;
    private final Map<TableName, TreeMap<Integer, String>> rows = new HashMap<>();
    private final Map<TableName, TableSchema> schemas = new HashMap<>();
    private final Map<TableName, List<TableDefinition.Index>> indexes = new HashMap<>();
    private Epoch epoch = Epoch.begin(1);
    private long lsn = 1000;
    private long nextXid = 100;
    private int nextDump = 1;
    private int nextTableId = 5000;

    FakeMaster(Path directory) throws IOException {
        queue = ReplicationQueue.open(QueueOptions.of(directory.resolve("queue")));
        dumps = DumpStore.open(directory.resolve("dumps"));
        queue.startHistory(new Position(epoch, 10, lsn));
    }

    /** A transaction in the making. */
    final class Transaction {
        final long xid = nextXid++;
        private final List<Change> changes = new ArrayList<>();

        private record Change(TableName table, RowChange change) {}

        Transaction insert(TableName table, int id, String value) {
            return add(table, new RowChange(ChangeKind.INSERT, null, new Object[] {id, value}));
        }

        Transaction update(TableName table, int id, String value) {
            return add(table, new RowChange(ChangeKind.UPDATE, null, new Object[] {id, value}));
        }

        Transaction move(TableName table, int from, int to, String value) {
            return add(table, new RowChange(ChangeKind.UPDATE, new Object[] {from, null}, new Object[] {to, value}));
        }

        Transaction delete(TableName table, int id) {
            return add(table, new RowChange(ChangeKind.DELETE, new Object[] {id, null}, null));
        }

        Transaction add(TableName table, RowChange change) {
            changes.add(new Change(table, change));
            return this;
        }

        long commit() throws IOException {
            return write(this);
        }
    }

    synchronized TableName createTable(String name) throws IOException {
        TableName table = TableName.parse(name);
        schemas.put(table, schema(nextTableId++, table, 1));
        rows.put(table, new TreeMap<>());
        append(ControlRecords.schema(tail(), schemas.get(table), false));
        queue.writer().sync();
        return table;
    }

    /** CREATE INDEX: dumps that begin from now on have it. */
    synchronized void createIndex(TableName table, String name, String definition) {
        indexes.computeIfAbsent(table, key -> new ArrayList<>())
                .add(new TableDefinition.Index(name, false, definition));
    }

    /** ALTER TABLE ... ADD COLUMN extra text: changes from here on have three values. */
    synchronized void addColumn(TableName table) throws IOException {
        TableSchema old = schemas.get(table);
        List<ColumnSchema> columns = new ArrayList<>(old.columns());
        columns.add(new ColumnSchema("extra", "text", 25, -1, false, ValueEncoding.TEXT));
        schemas.put(table, TableSchemas.create(old.tableId(), table, old.incarnation(), 'd', columns));
        append(ControlRecords.schema(tail(), schemas.get(table), false));
        queue.writer().sync();
    }

    /** The table becomes another one in a way that the stream does not show. */
    synchronized void newIncarnation(TableName table, Map<Integer, String> content) throws IOException {
        TableSchema old = schemas.get(table);
        schemas.put(table, old.withIncarnation(old.incarnation() + 1));
        rows.put(table, new TreeMap<>(content));
        append(ControlRecords.schema(tail(), schemas.get(table), false));
        queue.writer().sync();
    }

    /** Another history begins; its rows are those there are. */
    synchronized void newEpoch() throws IOException {
        epoch = Epoch.begin(epoch.number() + 1);
        lsn += 100;
        queue.startHistory(new Position(epoch, queue.durableTail().seq(), lsn));
        for (TableSchema schema : schemas.values()) {
            append(ControlRecords.schema(tail(), schema, false));
        }
        queue.writer().sync();
    }

    Transaction begin() {
        return new Transaction();
    }

    synchronized Map<Integer, String> rows(TableName table) {
        return new TreeMap<>(rows.get(table));
    }

    synchronized TableSchema schemaOf(TableName table) {
        return schemas.get(table);
    }

    synchronized Map<TableName, TableSchema> schemas() {
        return Map.copyOf(schemas);
    }

    Position tail() {
        return queue.durableTail();
    }

    Epoch epoch() {
        return epoch;
    }

    private synchronized long write(Transaction transaction) throws IOException {
        List<ByteBuffer> blocks = new ArrayList<>();
        BodyEncoder body = new BodyEncoder(blocks::add);
        for (Transaction.Change change : transaction.changes) {
            body.write(schemas.get(change.table()), change.change());
            apply(rows.get(change.table()), change.change());
        }
        body.finish();
        lsn += 16;
        Position position = new Position(epoch, queue.writer().lastSeq() + 1, lsn);
        RecordHeader header = new RecordHeader(
                RecordKind.TRANSACTION,
                0,
                0,
                position,
                transaction.xid,
                Instant.now().toEpochMilli() * 1000,
                body.changeCount(),
                "",
                body.shares());
        ByteBuffer image = ByteBuffer.allocate((int) header.totalLength());
        header.encode(image);
        blocks.forEach(image::put);
        queue.writer().append(header, image.flip());
        queue.writer().sync();
        return position.seq();
    }

    private static void apply(Map<Integer, String> table, RowChange change) {
        if (change.before() != null) {
            table.remove((Integer) change.before()[0]);
        }
        if (change.after() != null) {
            table.put((Integer) change.after()[0], (String) change.after()[1]);
        }
    }

    /** A complete dump of the table as it is now; its marker is in the queue. */
    synchronized String dump(TableName table) throws IOException {
        return dump(table, rows(table), queue.writer().lastSeq(), List.of(), 2);
    }

    /**
     * A dump whose snapshot saw something else than the queue's tail.
     *
     * @param content rows the snapshot saw
     * @param invisible transaction ids it did not see although they are below its xmax
     */
    String dump(TableName table, Map<Integer, String> content, long baseSeq, List<Long> invisible, int chunks)
            throws IOException {
        StoredDump dump = beginDump(table, baseSeq, invisible);
        writeChunks(dump, content, chunks);
        dump.complete();
        return dump.id();
    }

    synchronized StoredDump beginDump(TableName table, long baseSeq, List<Long> invisible) throws IOException {
        String id = String.format(java.util.Locale.ROOT, "d-%06d", nextDump++);
        String group = "g-" + id;
        long xmin = invisible.stream().mapToLong(Long::longValue).min().orElse(nextXid);
        Boundary boundary = new Boundary(baseSeq, xmin, nextXid, invisible, group);
        SnapshotInfo snapshot = new SnapshotInfo(xmin, nextXid, invisible, lsn, Instant.now(), "18.4");
        DumpManifest draft = DumpManifest.draft(
                new DumpManifest.Identity(id, group, "shop", epoch),
                schemas.get(table),
                definition(table),
                boundary,
                snapshot);
        append(ControlRecords.marker(tail(), List.of(schemas.get(table).tableId()), group));
        queue.writer().sync();
        return dumps.create(draft);
    }

    static void writeChunks(StoredDump dump, Map<Integer, String> content, int chunks) throws IOException {
        List<Map.Entry<Integer, String>> all = new ArrayList<>(content.entrySet());
        for (int chunk = 0; chunk < chunks; chunk++) {
            try (ChunkWriter writer = dump.begin("part " + chunk)) {
                for (int i = chunk; i < all.size(); i += chunks) {
                    Map.Entry<Integer, String> row = all.get(i);
                    String extra = "\t\\N".repeat(dump.manifest().columns().size() - 2);
                    writer.writeRow(
                            (row.getKey() + "\t" + row.getValue() + extra + "\n").getBytes(StandardCharsets.UTF_8));
                }
                writer.finish();
            }
        }
    }

    private void append(ByteBuffer image) throws IOException {
        RecordHeader header = RecordHeader.decode(image.duplicate(), "test", 0);
        queue.writer().append(header, image);
    }

    private static TableSchema schema(int id, TableName table, int incarnation) {
        return TableSchemas.create(
                id,
                table,
                incarnation,
                'd',
                List.of(
                        new ColumnSchema("id", "integer", 23, -1, true, ValueEncoding.INT),
                        new ColumnSchema("v", "text", 25, -1, false, ValueEncoding.TEXT)));
    }

    private TableDefinition definition(TableName table) {
        return new TableDefinition(
                table,
                List.of(),
                List.of(),
                schemas.get(table).columns().stream()
                        .map(column -> column(column.name(), column.typeName(), column.identity()))
                        .toList(),
                List.of(new TableDefinition.Constraint(
                        TableDefinition.ConstraintKind.PRIMARY_KEY, table.table() + "_pkey", "PRIMARY KEY (id)")),
                indexes.getOrDefault(table, List.of()),
                List.of());
    }

    private static TableDefinition.Column column(String name, String type, boolean notNull) {
        return new TableDefinition.Column(
                name,
                type,
                null,
                notNull,
                null,
                null,
                TableDefinition.IdentityKind.NONE,
                TableDefinition.GeneratedKind.NONE,
                null);
    }

    @Override
    public void close() throws IOException {
        dumps.close();
        queue.close();
    }
}
