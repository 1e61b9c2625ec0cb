package dev.replicator.slave;

import dev.replicator.queue.wire.SlaveCommand;
import dev.replicator.simulation.MemoryDatabase;
import dev.replicator.simulation.World;
import dev.replicator.slave.lane.LaneBoard;
import dev.replicator.slave.lane.LaneModel;
import dev.replicator.slave.lane.LaneStatus;
import dev.replicator.slave.restore.RestoreModel;
import dev.replicator.slave.state.DumpNeed;
import dev.replicator.slave.state.LanePosition;
import dev.replicator.slave.state.LaneRows;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.SlaveState;
import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A slave daemon of the model check: {@link Coordinator} step by step. What to do next, asking for dumps, groups and
 * commands are the product's classes.
 */
public final class DaemonModel {
    private static final int JOBS = 6;
    private static final int PHASES = 4;

    private final World world;
    private final String slave;
    private final MemoryDatabase database;
    private final LaneRows rows = new LaneRows("c");
    private final LaneBoard board = new LaneBoard();
    private final Map<String, LaneModel> lanes = new TreeMap<>();
    private final Groups groups = new Groups(rows, board);
    private final DumpRequests dumps;
    private final RestoreModel restores;
    private SlaveState known;
    private SlaveState comparing;
    private int phase;
    private boolean leads = true;

    public DaemonModel(World world, String slave, MemoryDatabase database) {
        this.world = world;
        this.slave = slave;
        this.database = database;
        this.restores = new RestoreModel(world, slave, database);
        this.dumps = new DumpRequests(request -> {
            try {
                return world.forwarder().requireDumps(slave, request);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    /** Whether its coordinator has the session lock. */
    public boolean leads() {
        return leads;
    }

    /** The server gave its lock up; it has not noticed, and its lanes go on. */
    public void loseLock() {
        leads = false;
    }

    /** It ends, or loses all its sessions. */
    public void close() {
        lanes.values().forEach(LaneModel::close);
        lanes.clear();
    }

    public SlaveState state() {
        return database.state();
    }

    /** One step of a lane or of the coordinator. */
    public boolean step(int choice) throws IOException {
        List<LaneModel> running = new ArrayList<>(lanes.values());
        int which = choice % (running.size() + 1);
        if (which < running.size()) {
            LaneModel lane = running.get(which);
            return lane.step(choice / (running.size() + 1));
        }
        return leads && coordinate(choice / (running.size() + 1));
    }

    /** Everything once. */
    public boolean stepAll() throws IOException {
        boolean any = false;
        for (LaneModel lane : new ArrayList<>(lanes.values())) {
            any |= lane.step(0);
            any |= lane.step(1);
        }
        for (int job = 0; job < JOBS; job++) {
            any |= leads && coordinate(job);
        }
        return any;
    }

    /**
     * One step of the coordinator's round, of a comparison or of a restore. A round works with the state read at its
     * beginning, whatever lanes do meanwhile; a comparison with that of the round that began it.
     */
    private boolean coordinate(int choice) throws IOException {
        try {
            return switch (choice % JOBS) {
                case 0 -> compare() || round();
                case 1, 2 -> restore() || round();
                default -> round();
            };
        } catch (SQLException e) {
            world.log(slave, () -> "the coordinator begins again: " + e.getMessage());
            close();
            phase = 0;
            comparing = null;
            return true;
        }
    }

    private boolean round() throws SQLException {
        boolean any;
        switch (phase) {
            case 0 -> {
                known = state();
                any = follow(known);
            }
            case 1 -> any = ask(known);
            case 2 -> any = groups.beginLanes(database.connect(), known);
            default -> {
                if (comparing == null && !TableStates.mirroredGroups(known).isEmpty()) {
                    comparing = known;
                }
                report(known);
                any = comparing != null;
            }
        }
        phase = (phase + 1) % PHASES;
        return any;
    }

    private boolean follow(SlaveState state) {
        boolean changed = lanes.values().removeIf(LaneModel::isFinished);
        changed |= start(LanePosition.MAIN);
        for (LanePosition lane : state.lanes().values()) {
            changed |= !lane.parked() && start(lane.lane());
        }
        boolean all = state.tables().values().stream().allMatch(table -> table.need() == DumpNeed.FRESH);
        if (all && lanes.get(LanePosition.MAIN).isForked()) {
            lanes.get(LanePosition.MAIN).startAnew();
            changed = true;
        }
        return changed;
    }

    private boolean start(String lane) {
        return lanes.putIfAbsent(lane, new LaneModel(world, slave, lane, database, rows, board)) == null;
    }

    private boolean ask(SlaveState state) throws SQLException {
        boolean mayAsk = state.main().isPresent()
                && world.forwarder().isRunning()
                && !lanes.get(LanePosition.MAIN).isForked();
        return mayAsk && dumps.ask(database.connect(), state);
    }

    private boolean compare() throws SQLException {
        if (comparing == null) {
            return false;
        }
        groups.compare(database.connect(), comparing);
        comparing = null;
        return true;
    }

    private boolean restore() throws SQLException, IOException {
        SlaveState state = state();
        List<Restore> all = new ArrayList<>(state.restores().values());
        all.sort(Comparator.comparing(Restore::table));
        for (Restore restore : all) {
            if (restores.step(state, restore)) {
                return true;
            }
        }
        return false;
    }

    private void report(SlaveState state) {
        if (world.forwarder().isRunning()) {
            Snapshot snapshot = new Snapshot(state, List.of(), List.of(), Map.of(), Map.of(), Map.of(), "");
            List<LaneStatus> running =
                    lanes.values().stream().map(LaneModel::status).toList();
            world.forwarder().report(slave, Reports.of(slave, "", snapshot, running));
        }
    }

    /** An operator's command. */
    public boolean command(SlaveCommand command) {
        try {
            world.log(slave, () -> "command " + command.getAction() + " " + command.getTablesList());
            boolean done = new Commands(rows).execute(database.connect(), command);
            lanes.values().forEach(LaneModel::refresh);
            return done;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    public boolean isForked() {
        return lanes.containsKey(LanePosition.MAIN)
                && lanes.get(LanePosition.MAIN).isForked();
    }

    /** A lane loses its connection in mid-commit. */
    public boolean loseConnection(int choice, Map<String, Runnable> late) {
        List<LaneModel> running = new ArrayList<>(lanes.values());
        return !running.isEmpty() && running.get(choice % running.size()).loseConnectionInCommit(late);
    }
}
