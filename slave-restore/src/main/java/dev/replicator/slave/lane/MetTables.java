package dev.replicator.slave.lane;

import dev.replicator.queue.TableSchema;
import dev.replicator.slave.postgres.TableBinding;
import java.util.ArrayList;
import java.util.List;

/** A batch has thousands of runs of a few tables: the same objects are met again and again. */
final class MetTables {
    /** Beyond so many tables a hash map is faster than a list. */
    private static final int MOST = 12;

    private final List<Met> tables = new ArrayList<>();

    private record Met(Replica replica, TableSchema schema, TableBinding binding) {}

    /** The binding of a run's table; null when it is to be looked up. */
    TableBinding of(ChangeRun run) {
        for (Met table : tables) {
            if (table.replica == run.replica() && table.schema == run.schema()) {
                return table.binding;
            }
        }
        return null;
    }

    void add(ChangeRun run, TableBinding binding) {
        if (tables.size() < MOST) {
            tables.add(new Met(run.replica(), run.schema(), binding));
        }
    }

    void clear() {
        tables.clear();
    }
}
