package dev.replicator.slave;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.TableName;
import dev.replicator.slave.state.DumpNeed;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.RestoreMode;
import dev.replicator.slave.state.RestorePhase;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.Stage;
import dev.replicator.slave.state.TableState;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class TableStatesTest {
    private static TableState table(String name, DumpNeed need, String wanted) {
        return new TableState(
                TableName.parse(name), 1, 1, Stage.WAITING_FOR_DUMP, null, 0, null, null, null, 0, 0, need, wanted);
    }

    private static Restore restore(String name, String group, RestorePhase phase, long since) {
        TableName table = TableName.parse(name);
        return new Restore(table, group, phase, "d-1", RestoreMode.SHADOW, table, 1, null, since, null, null);
    }

    private static SlaveState state(List<TableState> tables, Restore... restores) {
        Map<TableName, TableState> byName = new HashMap<>();
        tables.forEach(table -> byName.put(table.table(), table));
        Map<TableName, Restore> byTable = new HashMap<>();
        Arrays.stream(restores).forEach(restore -> byTable.put(restore.table(), restore));
        return new SlaveState(Map.of(), byName, byTable, false);
    }

    @Test
    void shouldAskTogetherForWhatIsAskedForAlike() {
        SlaveState state = state(
                List.of(
                        table("p.a", DumpNeed.ANY, null),
                        table("p.b", DumpNeed.FRESH, null),
                        table("p.c", DumpNeed.ANY, null),
                        table("p.d", DumpNeed.ANY, "d-7"),
                        table("p.e", DumpNeed.NONE, null),
                        table("p.f", DumpNeed.ANY, null)),
                restore("p.f", "g", RestorePhase.LOADING, 0));

        List<TableStates.Request> requests = TableStates.requests(state);

        assertEquals(
                List.of(
                        new TableStates.Request(
                                false, List.of(), List.of(TableName.parse("p.a"), TableName.parse("p.c"))),
                        new TableStates.Request(true, List.of(), List.of(TableName.parse("p.b"))),
                        new TableStates.Request(false, List.of("d-7"), List.of(TableName.parse("p.d")))),
                requests);
    }

    @Test
    void shouldMoveAGroupOnOnlyWhenAllItsTablesAreReady() {
        List<TableState> tables = List.of(table("p.a", DumpNeed.NONE, null), table("p.b", DumpNeed.NONE, null));
        SlaveState half = state(
                tables, restore("p.a", "g", RestorePhase.LOADED, 30), restore("p.b", "g", RestorePhase.LOADING, 20));
        SlaveState whole = state(
                tables, restore("p.a", "g", RestorePhase.LOADED, 30), restore("p.b", "g", RestorePhase.LOADED, 20));
        assertTrue(TableStates.loadedGroups(half).isEmpty());
        assertEquals(List.of("g"), TableStates.loadedGroups(whole));
        assertEquals(20, TableStates.baseSeq(whole.group("g")));
        assertTrue(TableStates.mirroredGroups(whole).isEmpty());
    }
}
