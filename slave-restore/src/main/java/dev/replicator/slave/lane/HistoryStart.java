package dev.replicator.slave.lane;

import dev.replicator.queue.Position;
import dev.replicator.queue.wire.LaneStart;
import dev.replicator.queue.wire.Subscribe;
import dev.replicator.queue.wire.ToLane;
import dev.replicator.queue.wire.WirePositions;
import dev.replicator.runtime.net.RemoteErrors;
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
import io.grpc.StatusRuntimeException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;

/** Begins a history: the first position of a new slave, or the next one where the old cannot be continued (rule R07). */
final class HistoryStart {
    private final LaneContext context;
    private final Connection connection;

    HistoryStart(LaneContext context, Connection connection) {
        this.context = context;
        this.connection = connection;
    }

    /** A subscription as the forwarder expects it first. */
    static Subscribe.Builder subscribe(LaneContext context, String lane) {
        return Subscribe.newBuilder()
                .setCluster(context.cluster())
                .setSlave(context.slave())
                .setLane(lane);
    }

    /** Waits for the forwarder's first answer. */
    static LaneStart answer(LaneStream stream) throws InterruptedException, LaneEndException {
        try {
            ToLane first = stream.take();
            if (!first.hasStart()) {
                throw new LaneEndException("the forwarder began with " + first.getMessageCase(), (Throwable) null);
            }
            LaneStart start = first.getStart();
            if (!start.getRefusal().isEmpty()) {
                throw new LaneEndException(start.getRefusal(), start.getDetail());
            }
            return start;
        } catch (StatusRuntimeException e) {
            throw broken(e);
        }
    }

    static LaneEndException broken(Throwable reason) {
        return new LaneEndException("the forwarder: " + RemoteErrors.reason(reason), reason);
    }

    /**
     * Asks the forwarder where to begin and stores it. With an old position all tables wait for dumps from this transaction
     * on, with their rows in service.
     */
    void begin(Optional<LanePosition> old) throws SQLException, LaneEndException, InterruptedException {
        try (LaneStream stream = LaneStream.open(
                context.channel(), subscribe(context, LanePosition.MAIN).build())) {
            LaneStart start = answer(stream);
            beginAt(connection, context.rows(), old, WirePositions.fromWire(start.getPosition()));
        }
    }

    /** Stores where the main lane begins. */
    static void beginAt(Connection connection, LaneRows rows, Optional<LanePosition> old, Position position)
            throws SQLException {
        Transactions.run(connection, session -> {
            if (old.isEmpty()) {
                rows.createMain(session, position);
            } else {
                rows.advance(session, old.get(), position, 0);
                rows.bump(session, LanePosition.MAIN);
                rows.forgetCommitTime(session);
                // Numbers may begin again below the old ones; no table set of the old history is told any more.
                Settings.forgetTableSet(session);
                waitForDumps(
                        session,
                        "the stream cannot be continued from " + old.get().position());
            }
            return null;
        });
    }

    private static void waitForDumps(Connection session, String reason) throws SQLException {
        SlaveState state = StateReader.read(session);
        for (Restore restore : state.restores().values()) {
            Copies.drop(session, restore);
            RestoreRows.end(session, restore.table());
        }
        for (TableState table : state.tables().values()) {
            TableRows.awaitDump(session, table.table(), reason);
        }
        LaneRows.dropEmpty(session);
    }

    /** Gives up a side lane: what it brought up to date has to come by new dumps. */
    void dropSideLane(String lane, String reason) throws SQLException {
        dropSideLane(connection, context.rows(), lane, reason);
    }

    static void dropSideLane(Connection connection, LaneRows rows, String lane, String reason) throws SQLException {
        Transactions.run(connection, session -> {
            rows.bump(session, lane);
            SlaveState state = StateReader.read(session);
            for (Restore restore : state.restoresOf(lane)) {
                Copies.drop(session, restore);
                RestoreRows.end(session, restore.table());
                if (state.tables().get(restore.table()).isLive()) {
                    TableRows.request(session, restore.table(), DumpNeed.ANY, null);
                } else {
                    TableRows.awaitDump(session, restore.table(), reason);
                }
            }
            for (TableState table : state.tablesOf(lane)) {
                TableRows.awaitDump(session, table.table(), reason);
            }
            LaneRows.dropEmpty(session);
            return null;
        });
    }
}
