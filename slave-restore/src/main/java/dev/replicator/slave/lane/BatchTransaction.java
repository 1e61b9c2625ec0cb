package dev.replicator.slave.lane;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.Position;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.runtime.Steps;
import dev.replicator.slave.postgres.BatchConflictException;
import dev.replicator.slave.postgres.TableException;
import dev.replicator.slave.state.Following;
import dev.replicator.slave.state.Journal;
import dev.replicator.slave.state.LaneRows;
import dev.replicator.slave.state.PositionUpdate;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.RestoreRows;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.TableRows;
import dev.replicator.slave.state.WalPositions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * One target transaction of a lane: compare-and-set of the position, the changes, what else happens at that place, commit
 * (rule R10). After an exception the caller rolls back by {@link #abandon} and begins again from the database.
 */
final class BatchTransaction implements AutoCloseable {
    private final Connection connection;
    private final PositionUpdate position;
    private final Map<TableName, MirrorKeys> mirrors = new HashMap<>();

    BatchTransaction(Connection connection, LaneRows lanes, SlaveState state, LanePlan plan) throws SQLException {
        this.connection = connection;
        this.position = lanes.advancing(connection, plan.lane());
        for (Restore restore : state.restoresOf(plan.lane().lane())) {
            if (restore.isShadow()) {
                mirrors.put(
                        restore.table(),
                        new MirrorKeys(restore.differences(), RestoreRows.layout(connection, restore.table())));
            }
        }
        connection.commit();
    }

    /** Gets the pieces of a large transaction that follow the first one, prepared where that could be done. */
    @FunctionalInterface
    interface Pieces {
        Ahead.Taken next() throws InterruptedException, LaneEndException;
    }

    /**
     * Executes and commits a batch.
     *
     * @param plan the lane as of now
     * @param taken the batch, with what was prepared for it
     * @param end where the lane stands after it; never below what the lane has passed, or a boundary would be settled at a
     *     position before transactions that the dump holds
     * @param writer fast or careful
     * @param carefully true when rows may end up different in a table and its copy
     * @return the log's positions at the beginning: what was committed before ends below
     */
    WalPositions run(
            LanePlan plan, Ahead.Taken taken, Position end, Pieces pieces, ChangeWriter writer, boolean carefully)
            throws SQLException, TableException, BatchConflictException, ParkException, InterruptedException,
                    LaneEndException {
        Batch batch = taken.batch();
        Steps.reached("lane.batch-taken");
        Following opening = batch.hasChanges() ? writer.opening(relations(batch)) : Following.NOTHING;
        WalPositions log = position.run(plan.lane(), end, batch.commitMicrosAt(end), opening);
        if (batch.hasChanges()) {
            writer.begin();
            write(taken, writer, carefully);
            for (Ahead.Taken piece = taken; piece.batch().open(); ) {
                piece = pieces.next();
                write(piece, writer, carefully);
            }
            writer.finish();
        }
        if (batch.event() instanceof LaneItem.Settled settled) {
            settle(settled);
        }
        Steps.reached("lane.batch-written");
        connection.commit();
        Steps.reached("lane.batch-committed");
        writer.committed();
        return log;
    }

    @Override
    public void close() throws SQLException {
        position.close();
    }

    /** Rolls back and forgets. */
    void abandon(ChangeWriter writer) throws SQLException {
        mirrors.values().forEach(MirrorKeys::forget);
        connection.rollback();
        writer.rolledBack();
    }

    /** What its runs are written to, as far as they are here. */
    private static Set<TableName> relations(Batch batch) {
        Set<TableName> relations = new HashSet<>();
        Replica last = null;
        for (ChangeRun run : batch.runs()) {
            if (run.replica() != last && run.replica().skipSeq() != run.seq()) {
                last = run.replica();
                relations.add(last.relation());
            }
        }
        return relations;
    }

    private void write(Ahead.Taken taken, ChangeWriter writer, boolean carefully)
            throws SQLException, TableException, BatchConflictException, ParkException {
        if (taken.prepared() == null || !writer.adopt(taken.prepared())) {
            write(taken.batch(), writer, carefully);
        }
    }

    private void write(Batch batch, ChangeWriter writer, boolean carefully)
            throws SQLException, TableException, BatchConflictException, ParkException {
        Set<TableName> skipped = new HashSet<>();
        for (ChangeRun run : batch.runs()) {
            if (run.replica().skipSeq() == run.seq()) {
                skip(run);
                skipped.add(run.replica().table());
                continue;
            }
            if (run.replica().mirrored()) {
                MirrorKeys keys = mirrors.get(run.replica().table());
                run.changes().forEach(change -> keys.note(run.schema(), change, carefully));
            }
            writer.write(run);
        }
        for (TableName table : skipped) {
            TableRows.skipped(connection, table);
        }
        for (MirrorKeys keys : mirrors.values()) {
            keys.write(connection);
        }
    }

    /** An operator ordered to drop these changes; they are kept on record (rule R23). */
    private void skip(ChangeRun run) throws SQLException {
        for (RowChange change : run.changes()) {
            Journal.conflict(
                    connection,
                    run.seq(),
                    run.replica().table(),
                    "ORDERED",
                    "dropped by the command skip --seq " + run.seq(),
                    "skipped",
                    change.kind() == ChangeKind.TRUNCATE ? null : RowImages.json(run.schema(), change));
        }
    }

    private void settle(LaneItem.Settled settled) throws SQLException {
        for (Replica replica : settled.replicas()) {
            if (replica.copy()) {
                RestoreRows.settle(connection, replica.table());
            } else {
                TableRows.settle(connection, replica.table());
            }
        }
    }
}
