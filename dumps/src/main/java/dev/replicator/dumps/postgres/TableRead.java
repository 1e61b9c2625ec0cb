package dev.replicator.dumps.postgres;

import dev.replicator.dumps.ChunkSink;
import dev.replicator.dumps.TableDefinition;
import dev.replicator.dumps.postgres.CatalogView.Relation;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * One table under a snapshot, locked in ACCESS SHARE mode and proved to be what the snapshot saw (rule R03). Lock and
 * transactions end with {@link #close}. While it is open a watch looks for somebody who wants the table for himself and
 * ends the read when he has waited too long (rule R21).
 */
public final class TableRead implements AutoCloseable {
    private final DumpSnapshot snapshot;
    private final Connection first;
    private final CatalogView view;
    private final TableDefinition definition;
    private final TableSchema schema;
    private final long sizeBytes;
    private final ReaderConnections readers;
    private final LockWatch watch;

    private TableRead(DumpSnapshot snapshot, Connection first, ReaderConnections readers, CatalogView view)
            throws SQLException {
        this.snapshot = snapshot;
        this.first = first;
        this.readers = readers;
        this.view = view;
        this.definition = DefinitionReader.portable(first, view.root().oid());
        // Read now: while rows are copied this session answers nothing else.
        this.schema = CatalogSchema.read(
                first, view.root(), replicaIdentity(first, view.root().oid()));
        this.sizeBytes = sizeOfLeaves();
        this.watch = new LockWatch(snapshot, view, readers);
    }

    static TableRead open(DumpSnapshot snapshot, long tableOid) throws DumpReadException {
        String what = "locking table " + tableOid;
        ReaderConnections readers = new ReaderConnections();
        TableRead table = null;
        try {
            Connection first = readers.add(snapshot.importing());
            CatalogView view = CatalogView.read(first, tableOid);
            if (view.isEmpty()) {
                throw new TableChangedException(what + ": the snapshot sees no such table");
            }
            what = "locking table " + view.root().name();
            lock(first, view.root());
            String difference = view.differenceTo(snapshot.catalogNow(tableOid));
            if (difference != null) {
                throw new TableChangedException("reading table " + view.root().name()
                        + ": it changed after the snapshot was taken: " + difference);
            }
            requireReadable(view);
            table = new TableRead(snapshot, first, readers, view);
            return table;
        } catch (SQLException e) {
            throw ReadErrors.describe(what, e);
        } finally {
            if (table == null) {
                readers.close();
            }
        }
    }

    private static void lock(Connection connection, Relation root) throws SQLException {
        // A partitioned table's lock is to cover its leaves; a plain table's children are not ours.
        String only = root.kind() == 'p' ? "" : "ONLY ";
        try (Statement statement = connection.createStatement()) {
            statement.execute("LOCK TABLE " + only + root.name().quoted() + " IN ACCESS SHARE MODE");
        }
    }

    private static void requireReadable(CatalogView view) throws DumpReadException {
        for (Relation leaf : view.leaves()) {
            if (leaf.kind() != 'r') {
                throw new DumpReadException(
                        "reading table " + view.root().name() + ": " + leaf.name() + " is not a plain table (relkind "
                                + leaf.kind() + "); exclude it from 'tables:'",
                        false,
                        null);
            }
        }
    }

    private static char replicaIdentity(Connection connection, long oid) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT relreplident FROM pg_class WHERE oid = ?::bigint::oid")) {
            statement.setLong(1, oid);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1).charAt(0);
            }
        }
    }

    /** The table's name under the snapshot. */
    public TableName name() {
        return view.root().name();
    }

    /** What is needed to create it elsewhere. */
    public TableDefinition definition() {
        return definition;
    }

    /**
     * The table as the catalogue describes it in the stream's terms: published columns, type oids and modifiers, identity.
     * Built-in types bear their pg_type name, others the qualified one.
     */
    public TableSchema schema(int incarnation) {
        return schema.withIncarnation(incarnation);
    }

    /** Size of the table's own files in bytes, to judge how long it will take. */
    public long sizeBytes() {
        return sizeBytes;
    }

    private long sizeOfLeaves() throws SQLException {
        long size = 0;
        for (Relation leaf : view.leaves()) {
            size += sizeOf(leaf)[0];
        }
        return size;
    }

    /**
     * Reads all rows into chunks of COPY text, columns as in {@link TableDefinition#copyColumns}, with parallel readers.
     * May be called once.
     *
     * @throws TableChangedException see {@link DumpSnapshot#openTable}
     * @throws LockWaitException when somebody waited for the table too long
     * @throws DumpReadException whatever else the server refused, see {@link DumpReadException#retry}
     * @throws IOException from sink or progress
     * @throws InterruptedException when the calling thread is; the readers are ended
     */
    public void copyTo(ChunkSink sink, ReadProgress progress)
            throws DumpReadException, IOException, InterruptedException {
        if (definition.copyColumns().isEmpty()) {
            throw new DumpReadException(
                    "reading table " + name() + ": it has no columns that could be copied", false, null);
        }
        Queue<TablePart> parts;
        try {
            parts = new ConcurrentLinkedQueue<>(parts());
        } catch (SQLException e) {
            throw readers.failureOr(ReadErrors.describe("reading the size of table " + name(), e));
        }
        int workers = Math.max(1, Math.min(snapshot.options().parallel(), parts.size()));
        PartReader.Context context = new PartReader.Context(
                name(),
                definition.copyColumns(),
                sink,
                new ProgressSum(progress),
                snapshot.options().chunkBytes());
        ExecutorService pool = Executors.newFixedThreadPool(workers);
        boolean complete = false;
        try {
            run(pool, workers, context, parts);
            complete = true;
        } catch (ExecutionException e) {
            throw failure(e.getCause());
        } finally {
            pool.shutdown();
            if (complete) {
                readers.closeAllBut(first);
            } else {
                readers.endAll();
            }
        }
        readers.throwFailure();
    }

    private void run(ExecutorService pool, int workers, PartReader.Context context, Queue<TablePart> parts)
            throws ExecutionException, InterruptedException {
        ExecutorCompletionService<Void> running = new ExecutorCompletionService<>(pool);
        for (int worker = 0; worker < workers; worker++) {
            boolean own = worker > 0;
            running.submit(() -> {
                Connection connection = own ? readers.add(snapshot.importing()) : first;
                new PartReader(connection, context).readAll(parts);
                return null;
            });
        }
        for (int worker = 0; worker < workers; worker++) {
            running.take().get();
        }
    }

    private DumpReadException failure(Throwable cause) throws IOException, DumpReadException {
        readers.throwFailure();
        if (cause instanceof SQLException sql) {
            return ReadErrors.describe("reading table " + name(), sql);
        }
        if (cause instanceof IOException io) {
            throw io;
        }
        if (cause instanceof DumpReadException read) {
            return read;
        }
        if (cause instanceof RuntimeException runtime) {
            throw runtime;
        }
        if (cause instanceof Error error) {
            throw error;
        }
        throw new IllegalStateException("reading table " + name() + " ended in an unexpected way", cause);
    }

    private Deque<TablePart> parts() throws SQLException {
        Deque<TablePart> parts = new ArrayDeque<>();
        for (Relation leaf : view.leaves()) {
            long[] size = sizeOf(leaf);
            long blocks = size[0] / size[1];
            long step = Math.max(1, snapshot.options().rangeBytes() / size[1]);
            long from = 0;
            while (from + step < blocks) {
                parts.add(new TablePart(leaf.name(), from, from + step));
                from += step;
            }
            // No upper bound: rows the snapshot sees may lie in blocks that were added after the size was read.
            parts.add(new TablePart(leaf.name(), from, TablePart.END));
        }
        return parts;
    }

    private long[] sizeOf(Relation leaf) throws SQLException {
        try (PreparedStatement statement = first.prepareStatement(
                "SELECT coalesce(pg_relation_size(?::bigint::oid::regclass), 0), current_setting('block_size')::bigint")) {
            statement.setLong(1, leaf.oid());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return new long[] {row.getLong(1), row.getLong(2)};
            }
        }
    }

    /** Lets go of lock and transactions. */
    @Override
    public void close() {
        watch.close();
        readers.close();
    }

    /** Adds up what several readers report. */
    private static final class ProgressSum implements ReadProgress {
        private final ReadProgress receiver;
        private long rows;
        private long bytes;

        ProgressSum(ReadProgress receiver) {
            this.receiver = receiver;
        }

        @Override
        public synchronized void read(long moreRows, long moreBytes) throws IOException {
            rows += moreRows;
            bytes += moreBytes;
            receiver.read(rows, bytes);
        }
    }

    /** Names of the leaves rows are read from; the table itself when it is not partitioned. */
    public List<TableName> leaves() {
        return new ArrayList<>(view.leaves().stream().map(Relation::name).toList());
    }
}
