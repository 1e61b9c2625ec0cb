package dev.replicator.slave.lane;

import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.runtime.Steps;
import dev.replicator.slave.postgres.SqlFailures;
import dev.replicator.slave.postgres.TableException;
import dev.replicator.slave.restore.Comparison;
import dev.replicator.slave.restore.Copies;
import dev.replicator.slave.restore.Rewrite;
import dev.replicator.slave.state.CopyLayout;
import dev.replicator.slave.state.LanePosition;
import dev.replicator.slave.state.LaneRows;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.RestoreMode;
import dev.replicator.slave.state.RestorePhase;
import dev.replicator.slave.state.RestoreRows;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.Stage;
import dev.replicator.slave.state.StateReader;
import dev.replicator.slave.state.TableRows;
import dev.replicator.slave.state.TableState;
import dev.replicator.slave.state.Transactions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The transactions by which copies come into service and side lanes join the main lane (rules R11, R14). */
final class HandOver {
    private static final Logger LOG = LoggerFactory.getLogger(HandOver.class);
    private static final String HINT = "mend the table here and `resume`, or `resync` it";

    private final Connection connection;
    private final LaneRows lanes;

    HandOver(Connection connection, LaneRows lanes) {
        this.connection = connection;
        this.lanes = lanes;
    }

    /**
     * P0: a side lane joins the main lane, both standing at the side lane's position.
     *
     * @param main the main lane; everything up to {@code side}'s position is applied
     * @return false when the side lane has something to do first
     * @throws dev.replicator.slave.state.LaneMovedException when either is not where it is said to be
     */
    boolean join(LanePosition main, LanePosition side) throws SQLException {
        try {
            return Transactions.run(connection, session -> {
                lanes.advance(session, main, side.position(), 0);
                lanes.bump(session, main.lane());
                lanes.end(session, side);
                SlaveState state = StateReader.read(session);
                if (!HandOverRules.changeOvers(state, side.lane()).isEmpty()) {
                    session.rollback();
                    return false;
                }
                long seq = side.position().seq();
                for (TableState table : state.tablesOf(side.lane())) {
                    TableRows.enter(session, table.table(), LanePosition.MAIN, seq, stageInMain(state, table));
                }
                for (Restore restore : state.restoresOf(side.lane())) {
                    join(session, restore, seq);
                }
                Steps.reached("lane.join-written");
                return true;
            });
        } catch (SQLException e) {
            giveUp(side.lane(), "joining the main lane failed: " + reasonOf(e));
            return true;
        }
    }

    private static Stage stageInMain(SlaveState state, TableState table) {
        return state.restore(table.table()).isPresent() ? Stage.RESTORING : Stage.IN_SYNC;
    }

    private static void join(Connection session, Restore restore, long seq) throws SQLException {
        TableName table = restore.table();
        if (restore.mode() == RestoreMode.SHADOW) {
            Comparison.createList(session, restore, RestoreRows.layout(session, table));
            RestoreRows.stand(session, table, LanePosition.MAIN, seq, RestorePhase.MIRRORED);
            return;
        }
        if (restore.mode() == RestoreMode.CREATE) {
            Copies.publish(session, restore);
        }
        TableRows.enter(session, table, LanePosition.MAIN, seq, Stage.IN_SYNC);
        incarnate(session, restore);
        RestoreRows.end(session, table);
    }

    private static void incarnate(Connection session, Restore restore) throws SQLException {
        int tableId = StateReader.read(session).tables().get(restore.table()).tableId();
        TableRows.become(session, restore.table(), tableId, restore.incarnation());
    }

    /**
     * The side lane's own transaction: tables that nobody keeps current become what their copies are.
     *
     * @return false when there is nothing to do any more
     */
    boolean changeOver(LanePlan plan) throws SQLException {
        try {
            return Transactions.run(connection, session -> {
                lanes.advance(session, plan.lane(), plan.lane().position(), 0);
                lanes.bump(session, plan.lane().lane());
                SlaveState state = StateReader.read(session);
                List<Restore> ready =
                        HandOverRules.changeOvers(state, plan.lane().lane());
                for (Restore restore : ready) {
                    changeOver(session, plan, state, restore);
                }
                LaneRows.dropEmpty(session);
                Steps.reached("lane.change-over-written");
                return !ready.isEmpty();
            });
        } catch (SQLException e) {
            giveUp(plan.lane().lane(), "replacing the rows failed: " + reasonOf(e));
            return true;
        }
    }

    private void changeOver(Connection session, LanePlan plan, SlaveState state, Restore restore) throws SQLException {
        TableState table = state.tables().get(restore.table());
        if (table.lane() != null) {
            // Parked, or running after a resume: its lane must not write any more, nor have joined the main lane just
            // now.
            lanes.leave(session, table.lane());
        }
        CopyLayout layout = RestoreRows.layout(session, restore.table());
        Comparison.createList(session, restore, layout);
        rewrite(session, restore, layout, true);
        TableRows.enter(
                session,
                restore.table(),
                plan.lane().lane(),
                plan.lane().position().seq(),
                Stage.CATCHING_UP);
        finish(session, restore);
    }

    /**
     * P1: the tables of a re-sync become what their mirrored copies are, all in this one transaction.
     *
     * @return false when the group is not ready any more
     */
    boolean finishResync(LanePosition main, String group) throws SQLException {
        try {
            return Transactions.run(connection, session -> {
                Position here = main.position();
                lanes.advance(session, main, here, 0);
                SlaveState state = StateReader.read(session);
                List<Restore> restores = state.group(group);
                boolean ready = !restores.isEmpty()
                        && restores.stream()
                                .allMatch(restore -> restore.phase() == RestorePhase.COMPARED
                                        && HandOverRules.isLive(state, restore));
                if (!ready) {
                    return false;
                }
                lanes.bump(session, main.lane());
                for (Restore restore : restores) {
                    rewrite(session, restore, RestoreRows.layout(session, restore.table()), false);
                    TableRows.enter(session, restore.table(), LanePosition.MAIN, here.seq(), Stage.IN_SYNC);
                    finish(session, restore);
                }
                Steps.reached("resync.rows-rewritten");
                return true;
            });
        } catch (SQLException e) {
            giveUpResync(group, "replacing the rows failed: " + reasonOf(e));
            return true;
        }
    }

    private static void rewrite(Connection session, Restore restore, CopyLayout layout, boolean compare)
            throws SQLException {
        try {
            if (compare) {
                Comparison.listDifferences(session, restore.table(), restore, layout);
            }
            Rewrite.run(session, restore.table(), restore, layout);
        } catch (TableException e) {
            throw new SQLException(e.reason() + "; " + e.hint(), "42P01", e);
        }
    }

    private static void finish(Connection session, Restore restore) throws SQLException {
        incarnate(session, restore);
        RestoreRows.end(session, restore.table());
        Copies.drop(session, restore);
    }

    /** Weather stays weather; anything else would fail again and again. */
    private static String reasonOf(SQLException failure) throws SQLException {
        SqlFailures.Kind kind = SqlFailures.classify(failure);
        if (kind == SqlFailures.Kind.WEATHER || kind == SqlFailures.Kind.CONNECTION) {
            throw failure;
        }
        LOG.error("hand-over", failure);
        return failure.getCause() instanceof TableException
                ? failure.getMessage()
                : "SQLSTATE " + failure.getSQLState() + ", see the daemon's log";
    }

    /** The side lane stands still, with all it has, until somebody mends the table. */
    private void giveUp(String lane, String reason) throws SQLException {
        Transactions.run(connection, session -> {
            lanes.park(session, lane);
            SlaveState state = StateReader.read(session);
            for (TableState table : state.tablesOf(lane)) {
                TableRows.fail(session, table.table(), reason, HINT, 0);
            }
            for (Restore restore : state.restoresOf(lane)) {
                TableRows.fail(session, restore.table(), reason, HINT, 0);
            }
            return null;
        });
    }

    /** The copies go, the tables stay as they are and are applied as before. */
    private void giveUpResync(String group, String reason) throws SQLException {
        Transactions.run(connection, session -> {
            lanes.bump(session, LanePosition.MAIN);
            for (Restore restore : StateReader.read(session).group(group)) {
                Copies.drop(session, restore);
                RestoreRows.end(session, restore.table());
                TableRows.fail(session, restore.table(), "the re-sync failed: " + reason, HINT, 0);
            }
            return null;
        });
    }
}
