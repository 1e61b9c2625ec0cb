package dev.replicator.slave.restore;

import dev.replicator.dumps.DumpManifest;
import dev.replicator.dumps.TableDefinition;
import dev.replicator.dumps.postgres.ChunkLoader;
import dev.replicator.dumps.postgres.TableBuilder;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.slave.postgres.TableException;
import dev.replicator.slave.postgres.TargetCatalog;
import dev.replicator.slave.postgres.TargetColumn;
import dev.replicator.slave.postgres.TargetPreflight;
import dev.replicator.slave.postgres.TargetTable;
import dev.replicator.slave.state.CopyLayout;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.RestoreMode;
import dev.replicator.slave.state.RestoreRows;
import dev.replicator.slave.state.Sql;
import dev.replicator.slave.state.TableRows;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Set;

/** Decides where a dump's rows go and makes the relation for them (rule R14). One transaction, the caller's. */
final class CopyPreparation {
    private final Connection connection;

    CopyPreparation(Connection connection) {
        this.connection = connection;
    }

    /** @throws TableException when the existing table cannot take the dump's rows */
    void prepare(Restore restore, DumpManifest manifest) throws SQLException, TableException {
        TableBuilder builder = new TableBuilder(connection);
        TableName table = restore.table();
        TableName copy = Copies.nameFor(manifest.tableId(), restore.dumpId());
        builder.createTypes(manifest.definition());
        if (!builder.exists(table)) {
            builder.createTable(manifest.definition(), copy);
            List<String> columns = manifest.columns();
            store(
                    restore,
                    manifest,
                    RestoreMode.CREATE,
                    copy,
                    new CopyLayout(columns, List.of(), text(manifest.definition())));
            return;
        }
        // Fails with the statement that adds what is missing, before anything is loaded.
        ChunkLoader.prepare(connection, manifest.definition(), manifest.columns(), table);
        TargetTable target = TargetCatalog.load(connection, table);
        TargetPreflight.require(connection, target);
        if (modeOf(isEmpty(target), TableRows.wasInService(connection, table)) == RestoreMode.IN_PLACE) {
            CopyLayout layout = new CopyLayout(manifest.columns(), List.of(), text(manifest.definition()));
            store(restore, manifest, RestoreMode.IN_PLACE, table, layout);
            return;
        }
        TableDefinition own = builder.createShadowLike(table, copy);
        CopyLayout layout = new CopyLayout(manifest.columns(), key(manifest.schema(), target), text(own));
        store(restore, manifest, RestoreMode.SHADOW, copy, layout);
    }

    /**
     * Where rows go for a table that exists: readers of one that has rows never see it empty or half full. One that was in
     * service and is empty at the moment counts as one with rows, since a lane may be applying changes to it while the dump
     * is loaded (rule R14).
     */
    static RestoreMode modeOf(boolean empty, boolean wasInService) {
        return empty && !wasInService ? RestoreMode.IN_PLACE : RestoreMode.SHADOW;
    }

    private void store(Restore restore, DumpManifest manifest, RestoreMode mode, TableName relation, CopyLayout layout)
            throws SQLException {
        RestoreRows.prepare(connection, restore, mode, relation, manifest.incarnation(), manifest.boundary(), layout);
        TableRows.identify(connection, restore.table(), manifest.tableId());
        TableRows.namedBy(connection, restore.table(), identity(manifest.schema()));
    }

    private static List<String> identity(TableSchema schema) {
        return schema.replicaIdentity() == 'f'
                ? List.of()
                : schema.columns().stream()
                        .filter(ColumnSchema::identity)
                        .map(ColumnSchema::name)
                        .toList();
    }

    private static String text(TableDefinition definition) {
        return definition.toJson();
    }

    private boolean isEmpty(TargetTable target) throws SQLException {
        return Sql.query(
                        connection,
                        row -> !row.getBoolean(1),
                        "SELECT EXISTS (SELECT FROM " + Comparison.from(target) + ")")
                .get(0);
    }

    /**
     * Columns by which copy and table are compared: those by which the master names rows, if they are a key here, too. Every
     * change that moves such a key says so in the stream.
     */
    static List<String> key(TableSchema schema, TargetTable target) {
        List<String> identity = schema.replicaIdentity() == 'f' ? target.primaryKey() : identity(schema);
        boolean usable = !identity.isEmpty()
                && target.keys().stream()
                        .anyMatch(key -> key.predicate() == null
                                && !key.deferrable()
                                && !key.plainColumns().isEmpty()
                                && Set.copyOf(identity).equals(Set.copyOf(key.plainColumns())))
                && identity.stream()
                        .allMatch(name ->
                                target.column(name).map(TargetColumn::notNull).orElse(false));
        return usable ? identity : List.of();
    }
}
