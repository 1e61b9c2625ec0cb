package dev.replicator.slave.state;

import dev.replicator.queue.Boundary;
import dev.replicator.queue.TableName;
import java.util.Objects;

/**
 * A copy of a table on its way into service. At most one for each table.
 *
 * @param table the table
 * @param group tables that are caught up together; also the name of their side lane
 * @param phase how far it is
 * @param dumpId the dump, or null while asking
 * @param mode where rows go, or null before loading
 * @param relation relation that gets the rows, or null before loading
 * @param incarnation incarnation of the dump
 * @param lane lane that applies changes to the copy, or null before catching up
 * @param since the dump's base seq
 * @param boundary the dump's boundary until settled, else null
 * @param error why the last attempt failed, or null
 */
public record Restore(
        TableName table,
        String group,
        RestorePhase phase,
        String dumpId,
        RestoreMode mode,
        TableName relation,
        int incarnation,
        String lane,
        long since,
        Boundary boundary,
        String error) {

    public Restore {
        Objects.requireNonNull(table, "table");
        Objects.requireNonNull(group, "group");
        Objects.requireNonNull(phase, "phase");
    }

    /** Whether rows wait beside an existing table. */
    public boolean isShadow() {
        return mode == RestoreMode.SHADOW;
    }

    /** Relation that lists the keys to rewrite. */
    public TableName differences() {
        return new TableName(relation.schema(), relation.table() + "_diff");
    }
}
