package dev.replicator.slave.lane;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.Boundary;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.slave.state.DumpNeed;
import dev.replicator.slave.state.LanePosition;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.RestoreMode;
import dev.replicator.slave.state.RestorePhase;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.Stage;
import dev.replicator.slave.state.TableState;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class HandOverRulesTest {
    private static final Epoch EPOCH = Epoch.begin(1);
    private static final TableName TABLE = new TableName("public", "t");
    private static final LanePosition SIDE = new LanePosition("restore-1", new Position(EPOCH, 20, 200), 0, false);

    private static SlaveState state(RestoreMode mode, String liveLane, Boundary boundary) {
        TableState table = new TableState(
                TABLE, 5, 1, Stage.CATCHING_UP, liveLane, 0, null, null, null, 0, 0, DumpNeed.NONE, null);
        Restore restore = new Restore(
                TABLE,
                "restore-1",
                RestorePhase.CATCHING_UP,
                "d-1",
                mode,
                new TableName("replicator", "copy"),
                1,
                "restore-1",
                10,
                boundary,
                null);
        return new SlaveState(Map.of("restore-1", SIDE), Map.of(TABLE, table), Map.of(TABLE, restore), false);
    }

    private static HandOverRules.Next next(SlaveState state) {
        return HandOverRules.next(LaneRules.plan(state, SIDE), state);
    }

    @Test
    void shouldGoOnUntilEveryBoundaryIsSettled() {
        Boundary open = new Boundary(10, 1, 1, List.of(), "g");
        assertEquals(HandOverRules.Next.CATCH_UP, next(state(RestoreMode.CREATE, null, open)));
    }

    @Test
    void shouldReplaceRowsThatNobodyKeepsCurrentInTheSideLane() {
        assertEquals(HandOverRules.Next.CHANGE_OVER, next(state(RestoreMode.SHADOW, null, null)));
        assertEquals(HandOverRules.Next.CHANGE_OVER, next(state(RestoreMode.SHADOW, "parked-2", null)));
    }

    @Test
    void shouldOfferWhatIsReadyToJoin() {
        assertEquals(HandOverRules.Next.OFFER, next(state(RestoreMode.SHADOW, "main", null)));
        assertEquals(HandOverRules.Next.OFFER, next(state(RestoreMode.CREATE, null, null)));
        assertEquals(HandOverRules.Next.OFFER, next(state(RestoreMode.IN_PLACE, null, null)));
    }

    @Test
    void shouldWaitOnlyWhereTheMainLaneCanStillStop() {
        Position main = new Position(EPOCH, 20, 200);
        assertTrue(HandOverRules.mayWait(new Position(EPOCH, 20, 200), main));
        assertTrue(HandOverRules.mayWait(new Position(EPOCH, 21, 210), main));
        assertFalse(HandOverRules.mayWait(new Position(EPOCH, 19, 190), main));
        assertFalse(HandOverRules.mayWait(new Position(Epoch.begin(2), 30, 300), main));
    }

    @Test
    void shouldWaitForASideLaneThatIsJustBehind() {
        Position main = new Position(EPOCH, 2000, 9000);
        assertTrue(HandOverRules.isNear(new Position(EPOCH, 1999, 8990), main));
        assertFalse(HandOverRules.isNear(new Position(EPOCH, 2000, 9000), main));
        assertFalse(HandOverRules.isNear(new Position(EPOCH, 999, 100), main));
    }
}
