package dev.replicator.slave.lane;

import dev.replicator.queue.Boundary;
import dev.replicator.queue.TableName;
import java.util.Objects;

/**
 * A relation in the target that gets the changes of one table in one lane: the table itself, or a copy on its way into
 * service.
 *
 * @param table the table as the master calls it
 * @param tableId the master's number of it
 * @param incarnation which life of the master's table the rows belong to
 * @param relation where rows go
 * @param copy false for the table itself
 * @param mirrored true for a copy beside the live table in the main lane
 * @param since changes up to this seq are in the rows
 * @param boundary dump boundary until it is settled, else null
 * @param skipSeq transaction whose changes are dropped by an operator's order; 0 when none
 */
public record Replica(
        TableName table,
        int tableId,
        int incarnation,
        TableName relation,
        boolean copy,
        boolean mirrored,
        long since,
        Boundary boundary,
        long skipSeq) {

    public Replica {
        Objects.requireNonNull(table, "table");
        Objects.requireNonNull(relation, "relation");
    }

    Replica settled() {
        return new Replica(table, tableId, incarnation, relation, copy, mirrored, since, null, skipSeq);
    }
}
