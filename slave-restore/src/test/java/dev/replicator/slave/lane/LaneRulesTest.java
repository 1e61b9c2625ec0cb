package dev.replicator.slave.lane;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.Boundary;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.TableSchemas;
import java.util.List;
import org.junit.jupiter.api.Test;

final class LaneRulesTest {
    private static final TableName TABLE = new TableName("public", "t");

    private static Replica replica(long since, Boundary boundary) {
        return new Replica(TABLE, 5, 3, TABLE, false, false, since, boundary, 0);
    }

    @Test
    void shouldNotApplyWhatTheRowsHoldAlready() {
        assertFalse(LaneRules.applies(replica(10, null), 10, 1));
        assertTrue(LaneRules.applies(replica(10, null), 11, 1));
    }

    @Test
    void shouldApplyOnlyWhatTheSnapshotDidNotSeeUntilTheBoundaryIsSettled() {
        Boundary boundary = new Boundary(10, 100, 110, List.of(103L), "g");
        assertFalse(LaneRules.applies(replica(10, boundary), 12, 99));
        assertFalse(LaneRules.applies(replica(10, boundary), 13, 104));
        assertTrue(LaneRules.applies(replica(10, boundary), 14, 103));
        assertTrue(LaneRules.applies(replica(10, boundary), 15, 110));
    }

    @Test
    void shouldApplyEverythingBehindASettledBoundaryWhateverItsIdR13() {
        // An id from before the snapshot's xmin would count as visible: after the marker nobody asks.
        Replica replica = replica(10, new Boundary(10, 4_294_967_280L, 4_294_967_300L, List.of(), "g"));
        assertFalse(LaneRules.applies(replica, 11, 20));
        assertTrue(LaneRules.applies(replica.settled(), 12, 20));
    }

    @Test
    void shouldTakeOnlyAHigherIncarnationForAnotherLife() {
        assertEquals(LaneRules.SchemaEffect.NEW_INCARNATION, LaneRules.effect(replica(1, null), schema(4)));
        assertEquals(LaneRules.SchemaEffect.SAME_LIFE, LaneRules.effect(replica(1, null), schema(3)));
        // A schema from before the dump, met during catch-up.
        assertEquals(LaneRules.SchemaEffect.SAME_LIFE, LaneRules.effect(replica(1, null), schema(2)));
    }

    private static TableSchema schema(int incarnation) {
        return TableSchemas.create(5, TABLE, incarnation, 'd', List.of());
    }
}
