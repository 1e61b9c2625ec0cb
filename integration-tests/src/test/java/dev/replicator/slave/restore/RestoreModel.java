package dev.replicator.slave.restore;

import dev.replicator.dumps.DumpManifest;
import dev.replicator.forwarder.ForwarderModel;
import dev.replicator.queue.TableName;
import dev.replicator.simulation.MemoryDatabase;
import dev.replicator.simulation.ModelTables;
import dev.replicator.simulation.TableRows;
import dev.replicator.simulation.World;
import dev.replicator.slave.state.CopyLayout;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.RestoreMode;
import dev.replicator.slave.state.RestorePhase;
import dev.replicator.slave.state.RestoreRows;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.StateReader;
import dev.replicator.slave.state.Transactions;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Restores of the model check, step by step as {@link TableRestore} takes them; the state is the product's. */
public final class RestoreModel {
    private static final int CHUNKS = 2;

    private final World world;
    private final String slave;
    private final MemoryDatabase database;

    public RestoreModel(World world, String slave, MemoryDatabase database) {
        this.world = world;
        this.slave = slave;
        this.database = database;
    }

    /** Takes the next step of a restore in phase loading; false when it waits. */
    public boolean step(SlaveState state, Restore restore) throws SQLException, IOException {
        if (restore.phase() != RestorePhase.LOADING
                || state.main().isEmpty()
                || !world.forwarder().isRunning()) {
            return false;
        }
        ForwarderModel.Fetched dump = world.forwarder().fetch(slave, restore.dumpId());
        if (dump.manifest() == null) {
            return !dump.complete() && askAgain(restore, "the dump is gone");
        }
        String obstacle =
                DumpFit.obstacle(restore, state.main().get().position().epoch(), dump.manifest());
        if (obstacle != null) {
            return askAgain(restore, obstacle);
        }
        if (restore.mode() == null) {
            return prepare(restore, dump.manifest());
        }
        Connection connection = database.connect();
        Set<Integer> loaded = RestoreRows.chunksLoaded(connection, restore);
        if (dump.rows() != null && loaded.size() < CHUNKS) {
            int chunk = loaded.contains(1) ? 2 : 1;
            return load(restore, chunk, dump.rows());
        }
        return dump.complete() && loaded.size() == CHUNKS && finish(restore);
    }

    private Optional<Restore> current(Connection session, Restore begun) throws SQLException {
        return StateReader.read(session)
                .restore(begun.table())
                .filter(now -> begun.dumpId().equals(now.dumpId()) && now.phase() == RestorePhase.LOADING);
    }

    private boolean askAgain(Restore restore, String why) throws SQLException {
        world.log(slave, () -> "asks again for " + restore.table() + " instead of " + restore.dumpId() + ": " + why);
        return Transactions.run(database.connect(), session -> {
            Optional<Restore> now = current(session, restore);
            if (now.isEmpty()) {
                return false;
            }
            Copies.drop(session, now.get());
            RestoreRows.askAgain(session, restore.table(), why);
            return true;
        });
    }

    private boolean prepare(Restore restore, DumpManifest manifest) throws SQLException {
        return Transactions.run(database.connect(), session -> {
            Optional<Restore> now = current(session, restore);
            if (now.isEmpty() || now.get().mode() != null) {
                return false;
            }
            TableName table = restore.table();
            TableRows existing = database.table(table);
            RestoreMode mode = existing == null
                    ? RestoreMode.CREATE
                    : CopyPreparation.modeOf(
                            existing.isEmpty(), dev.replicator.slave.state.TableRows.wasInService(session, table));
            TableName relation =
                    mode == RestoreMode.IN_PLACE ? table : Copies.nameFor(manifest.tableId(), restore.dumpId());
            boolean keyed = manifest.schema().replicaIdentity() == 'd';
            if (mode != RestoreMode.IN_PLACE) {
                database.put(relation, TableRows.empty(keyed));
            }
            CopyLayout layout = new CopyLayout(
                    manifest.columns(),
                    mode == RestoreMode.SHADOW && keyed ? List.of("id") : List.of(),
                    ModelTables.definition(table).toJson());
            RestoreRows.prepare(session, restore, mode, relation, manifest.incarnation(), manifest.boundary(), layout);
            dev.replicator.slave.state.TableRows.identify(session, table, manifest.tableId());
            world.log(
                    slave,
                    () -> "restores " + table + " from " + restore.dumpId() + ", " + mode + ", " + manifest.boundary());
            return true;
        });
    }

    private boolean load(Restore restore, int chunk, TableRows content) throws SQLException {
        return Transactions.run(database.connect(), session -> {
            if (current(session, restore).isEmpty() || !RestoreRows.claimChunk(session, restore, chunk, 1)) {
                return false;
            }
            TableRows rows = database.table(restore.relation());
            int number = 0;
            for (Map.Entry<String, String> row : content.rows().entrySet()) {
                if (++number % CHUNKS == chunk % CHUNKS) {
                    rows = with(rows, row.getKey(), row.getValue());
                }
            }
            database.put(restore.relation(), rows);
            world.log(slave, () -> "loads chunk " + chunk + " of " + restore.dumpId());
            return true;
        });
    }

    /** A row of a keyed table, or as many equal rows as there are. */
    private static TableRows with(TableRows rows, String key, String value) throws SQLException {
        TableRows next = rows;
        if (rows.keyed()) {
            next = rows.insert(key, value);
        } else {
            int bar = key.indexOf('|');
            for (int i = 0; i < Integer.parseInt(value); i++) {
                next = next.insert(key.substring(0, bar), key.substring(bar + 1));
            }
        }
        if (next == null) {
            throw new SQLException("a row of the dump is there already", "23505");
        }
        return next;
    }

    private boolean finish(Restore restore) throws SQLException {
        return Transactions.run(database.connect(), session -> {
            if (current(session, restore).isEmpty()) {
                return false;
            }
            RestoreRows.phase(session, restore.table(), RestorePhase.LOADED);
            return true;
        });
    }
}
