package dev.replicator.slave.state;

import dev.replicator.queue.Boundary;
import dev.replicator.queue.TableName;
import java.util.Objects;

/**
 * One table of the slave's set and the lane that applies its changes to the table itself.
 *
 * @param table its name
 * @param tableId the master's number of it; 0 while the master does not have it
 * @param incarnation which life of the master's table the rows belong to; 0 before the first dump
 * @param stage what users see
 * @param lane lane that applies its changes, or null when none does (rows, if any, stay in service)
 * @param since changes up to this seq are in the rows
 * @param boundary dump boundary until it is settled, else null
 * @param reason why it stands where it stands, or null
 * @param hint what to do about it, or null
 * @param conflictSeq transaction that could not be applied; 0 when none
 * @param skipSeq transaction whose changes an operator ordered to drop; 0 when none
 * @param need whether it asks for a dump
 * @param wantedDump the one dump to use, or null
 */
public record TableState(
        TableName table,
        int tableId,
        int incarnation,
        Stage stage,
        String lane,
        long since,
        Boundary boundary,
        String reason,
        String hint,
        long conflictSeq,
        long skipSeq,
        DumpNeed need,
        String wantedDump) {

    public TableState {
        Objects.requireNonNull(table, "table");
        Objects.requireNonNull(stage, "stage");
        Objects.requireNonNull(need, "need");
    }

    /** Whether the main lane applies its changes: it is in service and must stay live (rule R14). */
    public boolean isLive() {
        return LanePosition.MAIN.equals(lane);
    }
}
