package dev.replicator.slave;

import dev.replicator.queue.Position;
import dev.replicator.queue.wire.CommandFailure;
import dev.replicator.queue.wire.Conflict;
import dev.replicator.queue.wire.SlaveLane;
import dev.replicator.queue.wire.SlaveReport;
import dev.replicator.queue.wire.SlaveTable;
import dev.replicator.queue.wire.WirePositions;
import dev.replicator.slave.lane.LaneStatus;
import dev.replicator.slave.state.Journal;
import dev.replicator.slave.state.LanePosition;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.Stage;
import dev.replicator.slave.state.TableState;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Makes the report that goes to the forwarder. No input, no output. */
final class Reports {
    private Reports() {}

    static SlaveReport of(String slave, String target, Snapshot snapshot, List<LaneStatus> running) {
        Map<String, LaneStatus> lanes =
                running.stream().collect(Collectors.toMap(LaneStatus::lane, Function.identity(), (a, b) -> b));
        SlaveReport.Builder report = SlaveReport.newBuilder().setSlave(slave).setTarget(target);
        LaneStatus main = lanes.get(LanePosition.MAIN);
        if (snapshot.state() == null) {
            return report.setState("connecting").setError(snapshot.error()).build();
        }
        SlaveState state = snapshot.state();
        report.setState(state(snapshot, main)).setError(error(snapshot, main));
        report.setLagMicros(main == null ? 0 : main.lagMicros());
        state.tables().values().stream()
                .sorted(Comparator.comparing(TableState::table))
                .forEach(table -> report.addTables(table(snapshot, lanes, table)));
        // Without its database it does not know whether another daemon has moved them.
        state.lanes().values().stream()
                .filter(lane -> snapshot.error().isEmpty())
                .sorted(Comparator.comparing(LanePosition::lane))
                .forEach(lane -> report.addLanes(lane(state, lanes.get(lane.lane()), lane)));
        snapshot.conflicts().forEach(entry -> report.addConflicts(conflict(entry)));
        for (Journal.Done done : snapshot.commands()) {
            if (done.failure().isEmpty()) {
                report.addDoneCommands(done.id());
            } else {
                report.addFailedCommands(CommandFailure.newBuilder()
                        .setId(done.id())
                        .setReason(done.failure().get()));
            }
        }
        return report.build();
    }

    /** The slave's state as operators see it: the worst thing first. */
    static String state(Snapshot snapshot, LaneStatus main) {
        SlaveState state = snapshot.state();
        if (!snapshot.error().isEmpty()) {
            return "connecting";
        }
        if (state.paused()) {
            return "paused";
        }
        if (main != null && main.state().equals("needs-resync")) {
            return "needs-resync";
        }
        if (main != null && main.state().equals("error") || any(state, Stage.ERROR)) {
            return "error";
        }
        if (main == null || main.state().equals("connecting") || state.main().isEmpty()) {
            return "connecting";
        }
        if (any(state, Stage.WAITING_FOR_DUMP) || any(state, Stage.RESTORING)) {
            return "restoring";
        }
        return any(state, Stage.CATCHING_UP) || main.state().equals("catching-up") ? "catching-up" : "in-sync";
    }

    /** A named table that the master does not have yet waits without harm. */
    private static boolean any(SlaveState state, Stage stage) {
        return state.tables().values().stream()
                .anyMatch(
                        table -> table.stage() == stage && !(stage == Stage.WAITING_FOR_DUMP && table.tableId() == 0));
    }

    private static String error(Snapshot snapshot, LaneStatus main) {
        if (!snapshot.error().isEmpty()) {
            return snapshot.error();
        }
        Optional<String> table = snapshot.state().tables().values().stream()
                .filter(each -> each.stage() == Stage.ERROR)
                .sorted(Comparator.comparing(TableState::table))
                .map(Reports::text)
                .findFirst();
        return table.orElse(main == null ? "" : main.error());
    }

    private static String text(TableState table) {
        String reason = table.reason() == null ? "" : table.reason();
        return table.hint() == null ? reason : reason + "; " + table.hint();
    }

    private static SlaveTable table(Snapshot snapshot, Map<String, LaneStatus> lanes, TableState table) {
        Optional<Restore> restore = snapshot.state().restore(table.table());
        String lane = table.lane() == null ? restore.map(Restore::lane).orElse("") : table.lane();
        lane = lane == null ? "" : lane;
        String trouble = snapshot.trouble().getOrDefault(table.table(), "");
        SlaveTable.Builder report = SlaveTable.newBuilder()
                .setTable(table.table().toString())
                .setState(table.stage().text())
                .setError(text(table).isEmpty() ? trouble : text(table))
                .setLane(lane)
                .setAppliedSeq(appliedSeq(snapshot.state(), lanes, lane, table))
                .setConflictSeq(table.conflictSeq())
                .setBlockedBy(snapshot.blocked().getOrDefault(lane, ""))
                .setProgress(snapshot.progress().getOrDefault(table.table(), table.stage() == Stage.IN_SYNC ? 1.0 : 0));
        restore.map(Restore::dumpId).ifPresent(report::setDump);
        return report.build();
    }

    private static long appliedSeq(SlaveState state, Map<String, LaneStatus> lanes, String lane, TableState table) {
        LaneStatus status = lanes.get(lane);
        if (status != null && status.position() != null) {
            return status.position().seq();
        }
        return state.lane(lane).map(row -> row.position().seq()).orElse(table.since());
    }

    private static SlaveLane lane(SlaveState state, LaneStatus status, LanePosition row) {
        SlaveLane.Builder lane = SlaveLane.newBuilder()
                .setLane(row.lane())
                .setState(row.parked() ? "parked" : status == null ? "connecting" : status.state())
                .setError(status == null ? "" : status.error());
        // The forwarder prunes by it: only what is on the target's disk counts.
        Position durable = row.parked() || status == null ? row.position() : status.durable();
        if (durable != null && durable.lsn() != 0) {
            lane.setPosition(WirePositions.toWire(durable));
        }
        state.tablesOf(row.lane()).forEach(table -> lane.addTables(table.table().toString()));
        state.restoresOf(row.lane())
                .forEach(restore -> lane.addTables(restore.table().toString()));
        return lane.build();
    }

    private static Conflict conflict(Journal.Entry entry) {
        return Conflict.newBuilder()
                .setSeq(entry.seq())
                .setTable(entry.table().toString())
                .setKind(entry.kind())
                .setDetail(entry.detail())
                .setResolution(entry.resolution())
                .setAtMicros(entry.atMicros())
                .build();
    }
}
