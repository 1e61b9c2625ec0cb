package dev.replicator.slave;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.queue.wire.SlaveReport;
import dev.replicator.queue.wire.WirePositions;
import dev.replicator.slave.lane.LaneStatus;
import dev.replicator.slave.state.DumpNeed;
import dev.replicator.slave.state.LanePosition;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.Stage;
import dev.replicator.slave.state.TableState;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ReportsTest {
    private static final Epoch EPOCH = Epoch.begin(1);
    private static final TableName TABLE = TableName.parse("p.t");

    private static TableState table(Stage stage, int tableId) {
        return new TableState(TABLE, tableId, 1, stage, "main", 0, null, "why", "do that", 0, 0, DumpNeed.NONE, null);
    }

    private static Snapshot snapshot(TableState table, boolean paused) {
        LanePosition main = new LanePosition("main", new Position(EPOCH, 20, 200), 0, false);
        return new Snapshot(
                new SlaveState(Map.of("main", main), Map.of(TABLE, table), Map.of(), paused),
                List.of(),
                List.of(),
                Map.of(),
                Map.of(),
                Map.of(),
                "");
    }

    private static LaneStatus main(String state, Position durable) {
        return new LaneStatus("main", state, "", new Position(EPOCH, 30, 300), durable, List.of(), 0, 0, 0);
    }

    @Test
    void shouldTellTheWorstFirst() {
        LaneStatus inSync = main("in-sync", null);
        assertEquals("in-sync", Reports.state(snapshot(table(Stage.IN_SYNC, 5), false), inSync));
        assertEquals("error", Reports.state(snapshot(table(Stage.ERROR, 5), false), inSync));
        assertEquals("paused", Reports.state(snapshot(table(Stage.ERROR, 5), true), inSync));
        assertEquals("restoring", Reports.state(snapshot(table(Stage.RESTORING, 5), false), inSync));
        assertEquals("catching-up", Reports.state(snapshot(table(Stage.CATCHING_UP, 5), false), inSync));
        assertEquals("connecting", Reports.state(snapshot(table(Stage.IN_SYNC, 5), false), main("connecting", null)));
        assertEquals(
                "needs-resync", Reports.state(snapshot(table(Stage.IN_SYNC, 5), false), main("needs-resync", null)));
    }

    @Test
    void shouldNotMindATableThatTheMasterDoesNotHave() {
        assertEquals(
                "in-sync", Reports.state(snapshot(table(Stage.WAITING_FOR_DUMP, 0), false), main("in-sync", null)));
        assertEquals(
                "restoring", Reports.state(snapshot(table(Stage.WAITING_FOR_DUMP, 5), false), main("in-sync", null)));
    }

    @Test
    void shouldTellTheForwarderOnlyWhatIsOnDisk() {
        Snapshot snapshot = snapshot(table(Stage.IN_SYNC, 5), false);
        Position durable = new Position(EPOCH, 25, 250);
        SlaveReport known = Reports.of("s", "url", snapshot, List.of(main("in-sync", durable)));
        SlaveReport unknown = Reports.of("s", "url", snapshot, List.of(main("in-sync", null)));
        assertEquals(WirePositions.toWire(durable), known.getLanes(0).getPosition());
        assertFalse(unknown.getLanes(0).hasPosition());
        assertEquals(30, known.getTables(0).getAppliedSeq());
    }
}
