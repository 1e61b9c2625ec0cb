package dev.replicator.slave;

import dev.replicator.queue.Position;
import dev.replicator.runtime.Steps;
import dev.replicator.slave.lane.LaneBoard;
import dev.replicator.slave.postgres.TableException;
import dev.replicator.slave.restore.Comparison;
import dev.replicator.slave.restore.Copies;
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
import java.util.List;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Moves groups of restores on: from loaded to a side lane, from mirrored to compared. Used by the coordinator. */
final class Groups {
    private static final Logger LOG = LoggerFactory.getLogger(Groups.class);

    private final LaneRows lanes;
    private final LaneBoard board;

    Groups(LaneRows lanes, LaneBoard board) {
        this.lanes = lanes;
        this.board = board;
    }

    /** The last transaction of a restore: lane, since and boundary of all its tables become valid together. */
    boolean beginLanes(Connection connection, SlaveState state) throws SQLException {
        boolean begun = false;
        for (String group : TableStates.loadedGroups(state)) {
            begun |= Transactions.run(connection, session -> beginLane(session, group));
        }
        return begun;
    }

    private boolean beginLane(Connection session, String group) throws SQLException {
        SlaveState state = StateReader.read(session);
        if (state.main().isEmpty() || !TableStates.loadedGroups(state).contains(group)) {
            return false;
        }
        List<Restore> restores = state.group(group);
        // The dump tells no LSN for its base; the forwarder completes the position when the lane subscribes.
        Position base = new Position(state.main().get().position().epoch(), TableStates.baseSeq(restores), 0);
        // The group's name is free as a lane's name unless the group was loaded twice.
        String lane = state.lane(group).isEmpty() ? group : LaneRows.newName(session, "restore-");
        lanes.create(session, lane, base, false);
        for (Restore restore : restores) {
            Copies.allowAutovacuum(session, restore);
            RestoreRows.enterLane(session, restore.table(), lane);
            TableRows.stage(session, restore.table(), Stage.CATCHING_UP, null);
        }
        Steps.reached("restore.lane-written");
        LOG.info("group {} is loaded; catching up from seq {}", group, base.seq());
        return true;
    }

    /** Lists the differing keys of groups that are mirrored and tells the main lane. */
    void compare(Connection connection, SlaveState state) throws SQLException {
        for (String group : TableStates.mirroredGroups(state)) {
            for (Restore restore : state.group(group)) {
                if (restore.phase() == RestorePhase.MIRRORED) {
                    compare(connection, restore);
                }
            }
            board.compared(group);
        }
    }

    private static void compare(Connection connection, Restore restore) throws SQLException {
        connection.setAutoCommit(true);
        connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        Transactions.run(connection, session -> {
            if (!isStillMirrored(session, restore)) {
                return null;
            }
            try {
                long differing = Comparison.listDifferences(
                        session, restore.table(), restore, RestoreRows.layout(session, restore.table()));
                LOG.info("{}: {} rows differ from the dump and are rewritten", restore.table(), differing);
            } catch (TableException e) {
                throw new SQLException(e.reason(), "42P01", e);
            }
            Steps.reached("resync.keys-listed");
            RestoreRows.phase(session, restore.table(), RestorePhase.COMPARED);
            return null;
        });
    }

    /** The state we were told may be old: the restore may be over, or another one of the same table under way. */
    private static boolean isStillMirrored(Connection session, Restore restore) throws SQLException {
        return StateReader.read(session)
                .restore(restore.table())
                .filter(now -> now.phase() == RestorePhase.MIRRORED && Objects.equals(now.dumpId(), restore.dumpId()))
                .isPresent();
    }
}
