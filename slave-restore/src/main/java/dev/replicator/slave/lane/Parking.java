package dev.replicator.slave.lane;

import dev.replicator.queue.TableName;
import dev.replicator.runtime.Steps;
import dev.replicator.slave.postgres.ConflictPolicy;
import dev.replicator.slave.postgres.TableException;
import dev.replicator.slave.restore.Copies;
import dev.replicator.slave.state.DumpNeed;
import dev.replicator.slave.state.Journal;
import dev.replicator.slave.state.LaneRows;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.RestorePhase;
import dev.replicator.slave.state.RestoreRows;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.Stage;
import dev.replicator.slave.state.StateReader;
import dev.replicator.slave.state.TableRows;
import dev.replicator.slave.state.Transactions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;

/**
 * Takes a table that cannot go on out of its lane, at the transaction before the one that failed, so that the lane's other
 * tables flow (rule R23). One target transaction.
 */
final class Parking {
    private final Connection connection;
    private final LaneRows lanes;
    private final ConflictPolicy policy;

    Parking(Connection connection, LaneRows lanes, ConflictPolicy policy) {
        this.connection = connection;
        this.lanes = lanes;
        this.policy = policy;
    }

    /** @param plan the lane, standing right before the failed transaction */
    void park(LanePlan plan, ParkException failure) throws SQLException {
        Transactions.run(connection, session -> {
            lanes.advance(session, plan.lane(), plan.lane().position(), 0);
            lanes.bump(session, plan.lane().lane());
            SlaveState state = StateReader.read(session);
            Replica replica = failure.replica();
            record(failure);
            if (replica.mirrored()) {
                dropMirror(state, failure);
            } else if (!replica.copy() && mirror(state, replica.table()).isPresent()) {
                returnMirror(
                        session, lanes, plan, mirror(state, replica.table()).get());
            } else if (isOutdated(failure)) {
                restoreAgain(state, failure);
            } else if (policy == ConflictPolicy.STOP_SLAVE && plan.lane().isMain()) {
                fail(failure);
            } else {
                leaveLane(plan, failure);
            }
            Steps.reached("lane.park-written");
            return null;
        });
    }

    /**
     * The live table stops, its copy goes on alone: in a side lane that replaces the table's rows and brings it back (rule
     * R14).
     */
    static void returnMirror(Connection session, LaneRows lanes, LanePlan plan, Restore restore) throws SQLException {
        String lane = LaneRows.newName(session, "restore-");
        lanes.create(session, lane, plan.lane().position(), false);
        RestoreRows.stand(session, restore.table(), lane, plan.lane().position().seq(), RestorePhase.CATCHING_UP);
        TableRows.move(session, restore.table(), null);
        TableRows.stage(
                session, restore.table(), Stage.CATCHING_UP, "a change did not fit; the running re-sync mends it");
    }

    static Optional<Restore> mirror(SlaveState state, TableName table) {
        return state.restore(table)
                .filter(restore ->
                        restore.phase() == RestorePhase.MIRRORED || restore.phase() == RestorePhase.COMPARED);
    }

    /** The copy is what does not fit: the re-sync has failed, the live table goes on. */
    private void dropMirror(SlaveState state, ParkException failure) throws SQLException {
        Optional<Restore> restore = state.restore(failure.replica().table());
        if (restore.isPresent()) {
            Copies.drop(connection, restore.get());
            RestoreRows.end(connection, restore.get().table());
        }
        TableRows.fail(
                connection,
                failure.replica().table(),
                "the re-sync failed: " + failure.getMessage(),
                "`resync` the table; until then it is applied as before",
                0);
    }

    /** A copy that we built lacks what the stream now has: the master's table was altered since its dump (rule R08). */
    private static boolean isOutdated(ParkException failure) {
        Replica replica = failure.replica();
        return replica.copy()
                && !replica.relation().equals(replica.table())
                && failure.getCause() instanceof TableException;
    }

    private void restoreAgain(SlaveState state, ParkException failure) throws SQLException {
        TableName table = failure.replica().table();
        Optional<Restore> restore = state.restore(table);
        if (restore.isPresent()) {
            Copies.drop(connection, restore.get());
            RestoreRows.end(connection, table);
        }
        if (state.tables().get(table).isLive()) {
            TableRows.request(connection, table, DumpNeed.ANY, null);
        } else {
            TableRows.awaitDump(connection, table, "its dump is older than the last ALTER TABLE on the master");
        }
        LaneRows.dropEmpty(connection);
    }

    private void leaveLane(LanePlan plan, ParkException failure) throws SQLException {
        Replica replica = failure.replica();
        String lane = LaneRows.newName(connection, "parked-");
        lanes.create(connection, lane, plan.lane().position(), true);
        if (replica.copy()) {
            RestoreRows.move(connection, replica.table(), lane);
        } else {
            TableRows.move(connection, replica.table(), lane);
        }
        fail(failure);
        LaneRows.dropEmpty(connection);
    }

    private void fail(ParkException failure) throws SQLException {
        TableRows.fail(
                connection,
                failure.replica().table(),
                failure.replica().table() + ", seq " + failure.seq() + ": " + failure.getMessage(),
                failure.hint(),
                failure.seq());
    }

    private void record(ParkException failure) throws SQLException {
        boolean conflict = failure.conflict() != null;
        Journal.conflict(
                connection,
                failure.seq(),
                failure.replica().table(),
                conflict ? failure.conflict().kind().name() : "TABLE",
                failure.getMessage(),
                policy == ConflictPolicy.STOP_SLAVE ? "stopped" : "parked",
                conflict ? failure.conflict().rowImage() : null);
    }
}
