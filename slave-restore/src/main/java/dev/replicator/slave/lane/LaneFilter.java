package dev.replicator.slave.lane;

import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.wire.GrantedTable;
import dev.replicator.queue.wire.TableSet;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.TableState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What of a lane's stream is the lane's business (rules R08, R11, R15): moves along with the stream, ahead of the
 * database. No input, no output; one thread.
 */
final class LaneFilter {
    private final Map<Integer, List<Replica>> replicas;
    private final boolean main;
    private final long startSeq;
    private final Set<Integer> knownTables = new HashSet<>();
    /** Incarnations of tables that stand still in lanes of their own, by id. */
    private final Map<Integer, Integer> parked = new HashMap<>();
    /** Which table bears a name, and in which incarnation, when all SCHEMA records at the start are read. */
    private final Map<TableName, GrantedTable> atStart = new HashMap<>();

    private TableSelection selection;

    /**
     * @param state all tables of the slave, in any lane
     * @param tableSet the one in force where the stream begins
     */
    LaneFilter(LanePlan plan, SlaveState state, TableSet tableSet) {
        this.replicas = new HashMap<>(plan.replicas());
        this.main = plan.lane().isMain();
        this.startSeq = plan.lane().position().seq();
        this.selection = TableSetChange.selection(tableSet);
        tableSet.getResolvedList().forEach(table -> atStart.put(TableName.parse(table.getTable()), table));
        for (TableState table : state.tables().values()) {
            if (table.tableId() != 0) {
                knownTables.add(table.tableId());
            }
            if (state.isParked(table)) {
                parked.put(table.tableId(), table.incarnation());
            }
        }
    }

    /** The table set from here on. */
    void select(TableSelection now) {
        selection = now;
    }

    /** The relations that get a transaction's changes of a table. */
    List<Replica> targets(int tableId, long seq, long transactionId) {
        List<Replica> all = replicas.getOrDefault(tableId, List.of());
        for (Replica replica : all) {
            if (!LaneRules.applies(replica, seq, transactionId)) {
                return all.stream()
                        .filter(other -> LaneRules.applies(other, seq, transactionId))
                        .toList();
            }
        }
        // Nearly always: no list is made for each block.
        return all;
    }

    /**
     * Whether a SCHEMA record changes the lane's tables: what follows must be read again with the new ones.
     *
     * @param seq the transaction before the record
     */
    boolean changesTables(TableSchema schema, long seq) {
        boolean newLife = replicas.getOrDefault(schema.tableId(), List.of()).stream()
                .anyMatch(replica -> LaneRules.effect(replica, schema) == LaneRules.SchemaEffect.NEW_INCARNATION);
        return newLife || main && (isNewTable(schema, seq) || mendsParked(schema));
    }

    private boolean isNewTable(TableSchema schema, long seq) {
        return !knownTables.contains(schema.tableId())
                && selection.contains(schema.name())
                && (seq > startSeq || !isOutlived(schema));
    }

    /**
     * Records between two transactions are all read again when the lane begins anew there. A name that went from one table
     * to another since counts for the later one only, or the lane would follow it back and forth for ever.
     */
    private boolean isOutlived(TableSchema schema) {
        GrantedTable bearer = atStart.get(schema.name());
        return bearer != null
                && bearer.getTableId() != schema.tableId()
                && bearer.getIncarnation() >= schema.incarnation();
    }

    private boolean mendsParked(TableSchema schema) {
        Integer incarnation = parked.get(schema.tableId());
        return incarnation != null && incarnation < schema.incarnation();
    }

    /** A dump's marker passes: the relations whose boundary it settles. */
    List<Replica> settle(String marker) {
        List<Replica> settled = new ArrayList<>();
        replicas.replaceAll((id, list) -> list.stream()
                .map(replica -> {
                    boolean mine = replica.boundary() != null
                            && replica.boundary().markerId().equals(marker);
                    if (mine) {
                        settled.add(replica);
                    }
                    return mine ? replica.settled() : replica;
                })
                .toList());
        return settled;
    }
}
