package dev.replicator.slave.lane;

import dev.replicator.queue.TableSchema;
import dev.replicator.slave.state.LanePosition;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.RestorePhase;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.TableState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Which change is applied by which lane to which relation (rules R08, R11). No input, no output. */
public final class LaneRules {
    private LaneRules() {}

    /** What a SCHEMA record means for a table of the lane. */
    enum SchemaEffect {
        /** Other columns, or nothing new at all. */
        SAME_LIFE,
        /** The table on the master is another one now: our rows are history, a dump must come. */
        NEW_INCARNATION
    }

    /**
     * Whether a transaction's changes are to be applied: not what the rows hold already, and not what the dump saw.
     *
     * @param seq the transaction's number
     * @param transactionId its full 64-bit id
     */
    static boolean applies(Replica replica, long seq, long transactionId) {
        if (seq <= replica.since()) {
            return false;
        }
        return replica.boundary() == null || !replica.boundary().includes(seq, transactionId);
    }

    static SchemaEffect effect(Replica replica, TableSchema schema) {
        return schema.incarnation() > replica.incarnation() ? SchemaEffect.NEW_INCARNATION : SchemaEffect.SAME_LIFE;
    }

    /** The relations of a lane. */
    static LanePlan plan(SlaveState state, LanePosition lane) {
        Map<Integer, List<Replica>> replicas = new HashMap<>();
        for (TableState table : state.tablesOf(lane.lane())) {
            replicas.computeIfAbsent(table.tableId(), id -> new ArrayList<>()).add(live(table));
        }
        for (Restore restore : state.restoresOf(lane.lane())) {
            TableState table = state.tables().get(restore.table());
            replicas.computeIfAbsent(table.tableId(), id -> new ArrayList<>()).add(copy(table, restore));
        }
        replicas.replaceAll((id, list) -> List.copyOf(list));
        return new LanePlan(lane, replicas);
    }

    private static Replica live(TableState table) {
        return new Replica(
                table.table(),
                table.tableId(),
                table.incarnation(),
                table.table(),
                false,
                false,
                table.since(),
                table.boundary(),
                table.skipSeq());
    }

    private static Replica copy(TableState table, Restore restore) {
        boolean mirrored = restore.phase() == RestorePhase.MIRRORED || restore.phase() == RestorePhase.COMPARED;
        return new Replica(
                table.table(),
                table.tableId(),
                restore.incarnation(),
                restore.relation(),
                true,
                mirrored,
                restore.since(),
                restore.boundary(),
                table.skipSeq());
    }
}
