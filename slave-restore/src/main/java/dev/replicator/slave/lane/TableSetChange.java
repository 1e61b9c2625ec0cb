package dev.replicator.slave.lane;

import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.wire.GrantedTable;
import dev.replicator.queue.wire.TableSet;
import dev.replicator.runtime.Steps;
import dev.replicator.slave.restore.Copies;
import dev.replicator.slave.state.DumpNeed;
import dev.replicator.slave.state.LanePosition;
import dev.replicator.slave.state.LaneRows;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.RestoreRows;
import dev.replicator.slave.state.Settings;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.StateReader;
import dev.replicator.slave.state.TableRows;
import dev.replicator.slave.state.TableState;
import dev.replicator.slave.state.Transactions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Tables that join or leave the slave's set, and tables that became others on the master: the transaction of the lane that
 * reaches the place in the stream where that happened (rules R08, R11).
 */
final class TableSetChange {
    private final Connection connection;
    private final LaneRows lanes;

    TableSetChange(Connection connection, LaneRows lanes) {
        this.connection = connection;
        this.lanes = lanes;
    }

    /** What an operator's table set means for the tables there are. */
    record Difference(Map<TableName, Integer> joining, Set<TableName> leaving) {
        boolean isEmpty() {
            return joining.isEmpty() && leaving.isEmpty();
        }
    }

    static TableSelection selection(TableSet set) {
        return new TableSelection(set.getTablesList(), set.getExcludeList());
    }

    /**
     * Compares. A table whose name is in the set but which the master does not have waits without harm; one that the master
     * no longer gives us, though its name is in the set, stays as it is.
     */
    static Difference difference(SlaveState state, TableSet set) {
        TableSelection selection = selection(set);
        Map<TableName, Integer> joining = new LinkedHashMap<>();
        selection.namedTables().stream().filter(selection::contains).forEach(table -> joining.put(table, 0));
        for (GrantedTable granted : set.getResolvedList()) {
            joining.put(TableName.parse(granted.getTable()), granted.getTableId());
        }
        joining.keySet().removeAll(state.tables().keySet());
        Set<TableName> leaving = new TreeSet<>(state.tables().keySet());
        leaving.removeIf(selection::contains);
        return new Difference(joining, leaving);
    }

    /**
     * Takes over a table set at the lane's place.
     *
     * @return false when it changes nothing
     */
    boolean apply(LanePlan plan, TableSet set) throws SQLException {
        return Transactions.run(connection, session -> {
            lanes.advance(session, plan.lane(), plan.lane().position(), 0);
            // The lane's stored position may lie before the set's place: then the forwarder tells the older one again.
            if (!Settings.takeTableSet(session, set.getAtSeq(), set.getNewest())) {
                return false;
            }
            SlaveState state = StateReader.read(session);
            Difference difference = difference(state, set);
            if (difference.isEmpty()) {
                return false;
            }
            lanes.bump(session, plan.lane().lane());
            for (TableName table : difference.leaving()) {
                forget(session, state, table);
                TableRows.remove(session, table);
            }
            for (Map.Entry<TableName, Integer> table : difference.joining().entrySet()) {
                TableRows.add(session, table.getKey(), table.getValue());
            }
            LaneRows.dropEmpty(session);
            Steps.reached("lane.table-set-written");
            return true;
        });
    }

    /** A SCHEMA record told of a new table, or of a new life of one that the lane applies. */
    void apply(LanePlan plan, TableSchema schema) throws SQLException {
        Transactions.run(connection, session -> {
            lanes.advance(session, plan.lane(), plan.lane().position(), 0);
            lanes.bump(session, plan.lane().lane());
            SlaveState state = StateReader.read(session);
            for (Replica replica : plan.replicas().getOrDefault(schema.tableId(), List.of())) {
                if (LaneRules.effect(replica, schema) == LaneRules.SchemaEffect.NEW_INCARNATION) {
                    outlived(session, state, plan, replica, schema);
                }
            }
            if (plan.lane().isMain()) {
                mendParked(session, state, schema);
            }
            boolean known = state.tables().values().stream().anyMatch(table -> table.tableId() == schema.tableId());
            if (plan.lane().isMain() && !known) {
                newTable(session, state, schema);
            }
            LaneRows.dropEmpty(session);
            Steps.reached("lane.schema-written");
            return null;
        });
    }

    /** What stopped a table belongs to a life of it that is over: the new one's dump replaces the rows. */
    private void mendParked(Connection session, SlaveState state, TableSchema schema) throws SQLException {
        for (TableState table : state.tables().values()) {
            boolean outlived = table.tableId() == schema.tableId() && table.incarnation() < schema.incarnation();
            if (!outlived || !state.isParked(table)) {
                continue;
            }
            if (!table.table().equals(schema.name())) {
                TableRows.identify(session, table.table(), 0);
            }
            bump(session, table.lane());
            TableRows.awaitDump(session, table.table(), reason(table.table(), schema));
        }
    }

    private static String reason(TableName table, TableSchema schema) {
        return table.equals(schema.name())
                ? "the table was changed on the master in a way that the stream does not show (incarnation "
                        + schema.incarnation() + ")"
                : "the table was renamed on the master to " + schema.name();
    }

    private void outlived(Connection session, SlaveState state, LanePlan plan, Replica replica, TableSchema schema)
            throws SQLException {
        String reason = reason(replica.table(), schema);
        if (!replica.table().equals(schema.name())) {
            // The number goes with the table; its new name joins by itself if it is granted.
            TableRows.identify(session, replica.table(), 0);
        }
        Optional<Restore> restore = state.restore(replica.table());
        boolean copyIsCurrent = restore.isPresent() && restore.get().incarnation() >= schema.incarnation();
        if (replica.copy()) {
            endRestore(session, restore.orElseThrow());
            if (!state.tables().get(replica.table()).isLive()) {
                TableRows.awaitDump(session, replica.table(), reason);
            } else {
                TableRows.request(session, replica.table(), DumpNeed.ANY, null);
            }
        } else if (copyIsCurrent && Parking.mirror(state, replica.table()).isPresent()) {
            Parking.returnMirror(session, lanes, plan, restore.get());
        } else if (copyIsCurrent) {
            TableRows.move(session, replica.table(), null);
        } else {
            if (restore.isPresent()) {
                bump(session, restore.get().lane());
                endRestore(session, restore.get());
            }
            TableRows.awaitDump(session, replica.table(), reason);
        }
    }

    /** A number we did not know: a table that was waited for, a new one, or one dropped and created again. */
    private void newTable(Connection session, SlaveState state, TableSchema schema) throws SQLException {
        TableState table = state.tables().get(schema.name());
        if (table == null) {
            TableRows.add(session, schema.name(), schema.tableId());
            return;
        }
        if (table.tableId() == 0) {
            TableRows.identify(session, table.table(), schema.tableId());
            return;
        }
        Optional<Restore> restore = state.restore(table.table());
        if (restore.isPresent()) {
            bump(session, restore.get().lane());
            endRestore(session, restore.get());
        }
        bump(session, table.lane());
        TableRows.awaitDump(session, table.table(), "the table was dropped and created anew on the master");
        TableRows.become(session, table.table(), schema.tableId(), 0);
    }

    private void forget(Connection session, SlaveState state, TableName table) throws SQLException {
        bump(session, state.tables().get(table).lane());
        Optional<Restore> restore = state.restore(table);
        if (restore.isPresent()) {
            bump(session, restore.get().lane());
            Copies.drop(session, restore.get());
        }
    }

    private void endRestore(Connection session, Restore restore) throws SQLException {
        Copies.drop(session, restore);
        RestoreRows.end(session, restore.table());
    }

    /** The main lane is locked by the position's compare-and-set already. */
    private void bump(Connection session, String lane) throws SQLException {
        if (lane != null && !LanePosition.MAIN.equals(lane)) {
            lanes.bump(session, lane);
        }
    }
}
