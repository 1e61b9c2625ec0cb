package dev.replicator.slave.lane;

import dev.replicator.queue.TableSchema;
import dev.replicator.queue.TableSelection;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
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
    private final Set<Integer> knownTables;
    private TableSelection selection;

    /**
     * @param knownTables ids of all tables of the slave, in any lane
     * @param selection the table set in force where the stream begins
     */
    LaneFilter(LanePlan plan, Collection<Integer> knownTables, TableSelection selection) {
        this.replicas = new HashMap<>(plan.replicas());
        this.main = plan.lane().isMain();
        this.knownTables = Set.copyOf(knownTables);
        this.selection = selection;
    }

    /** The table set from here on. */
    void select(TableSelection now) {
        selection = now;
    }

    /** The relations that get a transaction's changes of a table. */
    List<Replica> targets(int tableId, long seq, long transactionId) {
        return replicas.getOrDefault(tableId, List.of()).stream()
                .filter(replica -> LaneRules.applies(replica, seq, transactionId))
                .toList();
    }

    /** Whether a SCHEMA record changes the lane's tables: what follows must be read again with the new ones. */
    boolean changesTables(TableSchema schema) {
        boolean newLife = replicas.getOrDefault(schema.tableId(), List.of()).stream()
                .anyMatch(replica -> LaneRules.effect(replica, schema) == LaneRules.SchemaEffect.NEW_INCARNATION);
        return newLife || main && !knownTables.contains(schema.tableId()) && selection.contains(schema.name());
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
