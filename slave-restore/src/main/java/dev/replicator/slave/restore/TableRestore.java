package dev.replicator.slave.restore;

import dev.replicator.dumps.ChunkEntry;
import dev.replicator.dumps.DumpManifest;
import dev.replicator.dumps.StoredDump;
import dev.replicator.dumps.TableDefinition;
import dev.replicator.dumps.postgres.ChunkLoader;
import dev.replicator.dumps.postgres.IndexBuild;
import dev.replicator.dumps.postgres.TableBuilder;
import dev.replicator.queue.Epoch;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.Steps;
import dev.replicator.slave.postgres.TableException;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.RestoreMode;
import dev.replicator.slave.state.RestorePhase;
import dev.replicator.slave.state.RestoreRows;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.Sql;
import dev.replicator.slave.state.StateReader;
import dev.replicator.slave.state.Transactions;
import java.io.IOException;
import java.io.InputStream;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/**
 * Brings one table's dump into its relation: download, parallel load of chunks as they arrive, indexes and keys. Every
 * chunk is one transaction with its row in {@code replicator.restore_chunk}, so a later attempt goes on where this one
 * ended. The table is {@code loaded} only when the manifest said that the dump is complete (rule R03).
 */
final class TableRestore implements DumpDownload.Receiver {
    /** What a server comes with, 64 MB, sorts the keys of a million rows on disk. For this transaction, and never less. */
    private static final String BUILD_MEMORY =
            """
            SELECT set_config('maintenance_work_mem', '256MB', true)
              FROM pg_settings WHERE name = 'maintenance_work_mem' AND setting::int8 < 256 * 1024""";

    private final RestoreContext context;
    private final Restore begun;
    private final Epoch epoch;
    private final Set<Integer> loaded = new ConcurrentSkipListSet<>();
    private final List<Future<?>> loads = new ArrayList<>();
    private final AtomicInteger chunksKnown = new AtomicInteger();
    private final LoadSessions sessions;
    private Restore restore;
    private ChunkLoader loader;

    /**
     * @param begun the restore in phase loading
     * @param epoch the history the slave follows
     */
    TableRestore(RestoreContext context, Restore begun, Epoch epoch) {
        this.context = context;
        this.begun = begun;
        this.restore = begun;
        this.sessions = new LoadSessions(() -> context.open(begun.table()));
        this.epoch = epoch;
    }

    /** Share of the known chunks that are in, from 0 to 1. */
    double progress() {
        int known = chunksKnown.get();
        return known == 0 ? 0 : Math.min(1.0, (double) loaded.size() / known);
    }

    /**
     * Runs the attempt.
     *
     * @throws SQLException from the target; sort it by SQLSTATE
     * @throws IOException from the forwarder or the work directory
     * @throws ReplicatorException the table cannot take the rows
     * @throws RestoreSupersededException somebody else decided about the restore meanwhile
     */
    void run() throws SQLException, IOException, InterruptedException {
        try {
            attempt();
        } finally {
            sessions.close();
        }
    }

    private void attempt() throws SQLException, IOException, InterruptedException {
        try (Connection connection = context.open(restore.table())) {
            loaded.addAll(Transactions.run(connection, session -> RestoreRows.chunksLoaded(session, restore)));
        }
        chunksKnown.set(loaded.size());
        DumpManifest manifest = new DumpDownload(context.channel(), context.slave(), context.store(), restore.dumpId())
                .run(Set.copyOf(loaded), this);
        chunksKnown.set(manifest.chunks().size());
        await(loads);
        Set<Integer> expected =
                manifest.chunks().stream().map(ChunkEntry::number).collect(Collectors.toSet());
        if (!loaded.containsAll(expected)) {
            throw new IOException("dump " + restore.dumpId() + " has " + expected.size() + " chunks, " + loaded.size()
                    + " are loaded");
        }
        if (restore.mode() == null) {
            // An empty dump whose chunks were all held: nothing called begins().
            throw new IOException("dump " + restore.dumpId() + " came without its draft");
        }
        if (restore.mode() != RestoreMode.IN_PLACE) {
            buildIndexes();
        }
        await(List.of(context.builders().submit(task(this::finish))));
        context.store().delete(restore.dumpId());
    }

    @Override
    public void begins(StoredDump dump) throws IOException {
        DumpManifest manifest = dump.manifest();
        refuse(DumpFit.obstacle(begun, epoch, manifest));
        try (Connection connection = context.open(restore.table())) {
            restore = Transactions.run(connection, session -> prepared(session, manifest));
            loader = ChunkLoader.prepare(connection, manifest.definition(), manifest.columns(), restore.relation());
            connection.commit();
        } catch (SQLException e) {
            throw new IOException(e);
        }
    }

    private static void refuse(String obstacle) throws DumpDownload.DumpGoneException {
        if (obstacle != null) {
            throw new DumpDownload.DumpGoneException(obstacle);
        }
    }

    private Restore prepared(Connection session, DumpManifest manifest) throws SQLException {
        RestoreRows.lock(session, begun.table());
        Restore now = current(session);
        if (now.mode() != null) {
            return now;
        }
        try {
            new CopyPreparation(session).prepare(now, manifest);
        } catch (TableException e) {
            throw new ReplicatorException(ErrorCode.CONFIGURATION, e.reason(), e.hint(), e);
        }
        Steps.reached("restore.copy-made");
        return current(session);
    }

    /** The row as it is; the restore may have been given up meanwhile. */
    private Restore current(Connection session) throws SQLException {
        SlaveState state = StateReader.read(session);
        return state.restore(begun.table())
                .filter(now -> begun.dumpId().equals(now.dumpId()) && now.phase() == RestorePhase.LOADING)
                .orElseThrow(() -> new RestoreSupersededException(begun.table(), begun.dumpId()));
    }

    @Override
    public void chunk(StoredDump dump, ChunkEntry entry) {
        chunksKnown.updateAndGet(known -> Math.max(known, entry.number()));
        loads.add(context.loaders().submit(task(() -> load(dump, entry))));
    }

    private interface Step {
        void run() throws SQLException, IOException;
    }

    private static Callable<Void> task(Step step) {
        return () -> {
            step.run();
            return null;
        };
    }

    private void load(StoredDump dump, ChunkEntry entry) throws SQLException, IOException {
        try (LoadSessions.Lease lease = sessions.lease();
                InputStream text = dump.openText(entry.number())) {
            Connection connection = lease.connection();
            hold(connection);
            if (RestoreRows.claimChunk(connection, restore, entry.number(), entry.rows())) {
                loader.load(connection, text);
            }
            Steps.reached("restore.chunk-written");
            connection.commit();
            lease.keep();
            loaded.add(entry.number());
            Steps.reached("restore.chunk-loaded");
        }
    }

    /** To the end of the transaction the restore is not given up under our hands. */
    private void hold(Connection connection) throws SQLException {
        Sql.query(
                connection,
                row -> 0,
                "SELECT 1 FROM replicator.restore WHERE table_name = ? FOR SHARE",
                restore.table().toString());
        current(connection);
    }

    private static void await(List<Future<?>> tasks) throws SQLException, IOException, InterruptedException {
        for (Future<?> task : tasks) {
            try {
                task.get();
            } catch (ExecutionException e) {
                tasks.forEach(other -> other.cancel(true));
                rethrow(e.getCause());
            }
        }
    }

    private static void rethrow(Throwable cause) throws SQLException, IOException {
        if (cause instanceof SQLException e) {
            throw e;
        }
        if (cause instanceof IOException e) {
            throw e;
        }
        if (cause instanceof RuntimeException e) {
            throw e;
        }
        throw new IllegalStateException(cause);
    }

    /**
     * Indexes come after the rows, as many at a time as there are sessions. Each is a transaction of its own: a later attempt
     * builds those that are missing.
     */
    private void buildIndexes() throws SQLException, IOException, InterruptedException {
        TableDefinition definition;
        try (Connection connection = context.open(restore.table())) {
            definition = Transactions.run(connection, this::definition);
        }
        List<Future<?>> builds = new ArrayList<>();
        for (IndexBuild build : IndexBuild.of(definition, restore.relation())) {
            builds.add(context.builders().submit(task(() -> build(build))));
        }
        await(builds);
    }

    /** Of what is built: the dump's, or that of the table which the copy is to replace. */
    private TableDefinition definition(Connection session) throws SQLException {
        return TableDefinition.fromJson(
                RestoreRows.layout(session, restore.table()).definition());
    }

    private void build(IndexBuild index) throws SQLException {
        try (LoadSessions.Lease lease = sessions.lease()) {
            Connection connection = lease.connection();
            hold(connection);
            Sql.query(connection, row -> 0, BUILD_MEMORY);
            index.run(connection);
            Steps.reached("restore.index-written");
            connection.commit();
            lease.keep();
        }
    }

    /** With keys and statistics the table is loaded, in one transaction. */
    private void finish() throws SQLException {
        try (Connection connection = context.open(restore.table())) {
            Transactions.run(connection, session -> {
                RestoreRows.lock(session, begun.table());
                current(session);
                if (restore.mode() != RestoreMode.IN_PLACE) {
                    Sql.query(session, row -> 0, BUILD_MEMORY);
                    new TableBuilder(session).addKeys(definition(session), restore.relation());
                } else {
                    Sql.execute(session, "ANALYZE " + restore.relation().quoted());
                }
                RestoreRows.phase(session, restore.table(), RestorePhase.LOADED);
                Steps.reached("restore.loaded-written");
                return null;
            });
        }
    }
}
