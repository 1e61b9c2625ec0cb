package dev.replicator.slave.lane;

import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.slave.postgres.TableBinding;
import dev.replicator.slave.postgres.TableException;
import dev.replicator.slave.postgres.TargetCatalog;
import dev.replicator.slave.postgres.TargetPreflight;
import dev.replicator.slave.postgres.TargetTable;
import dev.replicator.slave.postgres.TargetVersions;
import dev.replicator.slave.state.Following;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * How each version of a table meets its relation here; made on first use, for one session of one lane, and made anew when
 * the relation's definition has changed since the last batch.
 */
final class Bindings {
    private final Connection connection;
    private final TargetVersions target;
    private final Map<Key, TableBinding> known = new HashMap<>();
    /** Of {@link #known}; null when that has changed since. */
    private Known snapshot;

    private final Map<TableName, String> versions = new HashMap<>();
    private final Set<TableName> locked = new HashSet<>();

    private record Key(TableName relation, int tableId, long fingerprint) {}

    Bindings(Connection connection) {
        this.connection = connection;
        this.target = new TargetVersions(connection);
    }

    /** A batch begins: what was known is to be looked at again. */
    void begin() {
        locked.clear();
    }

    /**
     * Locks relations that are going to be written and looks at them, all at once, behind another statement. A relation that is
     * not there or may not be written makes it fail; {@link #of} tells which.
     */
    Following opening(Collection<TableName> relations) throws SQLException {
        TargetVersions.Look look = target.look(relations);
        return new Following() {
            @Override
            public List<String> texts() {
                return look.texts();
            }

            @Override
            public void answered(Statement statement) throws SQLException {
                look.answered(statement);
                look.versions().forEach(Bindings.this::locked);
            }
        };
    }

    TableBinding of(ChangeRun run) throws SQLException, TableException {
        TableSchema schema = run.schema();
        refresh(run.replica().relation());
        Key key = new Key(run.replica().relation(), schema.tableId(), schema.fingerprint());
        TableBinding binding = known.get(key);
        if (binding == null) {
            TargetTable target = TargetCatalog.load(connection, key.relation());
            TargetPreflight.require(connection, target);
            binding = TableBinding.of(schema, target, ignorable(run));
            known.put(key, binding);
            snapshot = null;
        }
        return binding;
    }

    /** What is known now: for any thread, and to be compared with {@link #of} later. */
    Known known() {
        if (snapshot == null) {
            snapshot = new Known(Map.copyOf(known));
        }
        return snapshot;
    }

    /** Bindings as they were at one moment. */
    static final class Known {
        private final Map<Key, TableBinding> bindings;

        private Known(Map<Key, TableBinding> bindings) {
            this.bindings = bindings;
        }

        /** The binding of a run's table; null when it is not known. */
        TableBinding of(ChangeRun run) {
            return bindings.get(new Key(
                    run.replica().relation(),
                    run.schema().tableId(),
                    run.schema().fingerprint()));
        }
    }

    /** From here to the end of the batch nobody alters the relation. */
    private void refresh(TableName relation) throws SQLException, TableException {
        if (!locked.contains(relation)) {
            target.lock(Set.of(relation)).forEach(this::locked);
        }
    }

    private void locked(TableName relation, String version) {
        if (!version.equals(versions.put(relation, version))) {
            known.keySet().removeIf(key -> key.relation().equals(relation));
            snapshot = null;
        }
        locked.add(relation);
    }

    /** Until the marker has passed, changes may be older than the dump and know columns that are gone since (R08). */
    private static Set<String> ignorable(ChangeRun run) {
        if (run.replica().boundary() == null) {
            return Set.of();
        }
        return run.schema().columns().stream().map(ColumnSchema::name).collect(Collectors.toSet());
    }
}
