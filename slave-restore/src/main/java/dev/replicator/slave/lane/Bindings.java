package dev.replicator.slave.lane;

import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.slave.postgres.TableBinding;
import dev.replicator.slave.postgres.TableException;
import dev.replicator.slave.postgres.TargetCatalog;
import dev.replicator.slave.postgres.TargetPreflight;
import dev.replicator.slave.postgres.TargetTable;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** How each version of a table meets its relation here; made on first use, for one session of one lane. */
final class Bindings {
    private final Connection connection;
    private final Map<Key, TableBinding> known = new HashMap<>();

    private record Key(TableName relation, int tableId, long fingerprint) {}

    Bindings(Connection connection) {
        this.connection = connection;
    }

    TableBinding of(ChangeRun run) throws SQLException, TableException {
        TableSchema schema = run.schema();
        Key key = new Key(run.replica().relation(), schema.tableId(), schema.fingerprint());
        TableBinding binding = known.get(key);
        if (binding == null) {
            TargetTable target = TargetCatalog.load(connection, key.relation());
            TargetPreflight.require(connection, target);
            binding = TableBinding.of(schema, target, ignorable(run));
            known.put(key, binding);
        }
        return binding;
    }

    /** Until the marker has passed, changes may be older than the dump and know columns that are gone since (R08). */
    private static Set<String> ignorable(ChangeRun run) {
        if (run.replica().boundary() == null) {
            return Set.of();
        }
        return run.schema().columns().stream().map(ColumnSchema::name).collect(Collectors.toSet());
    }
}
