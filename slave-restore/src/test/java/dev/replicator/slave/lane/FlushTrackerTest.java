package dev.replicator.slave.lane;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import org.junit.jupiter.api.Test;

final class FlushTrackerTest {
    private static final Epoch EPOCH = Epoch.begin(1);
    private final FlushTracker tracker = new FlushTracker();

    private static Position at(long seq) {
        return new Position(EPOCH, seq, seq * 10);
    }

    @Test
    void shouldTellAPositionOnlyWhenItsCommitIsOnDiskR15() {
        tracker.committed(at(1));
        assertNull(tracker.observe(0x1000, 0x0F00));
        tracker.committed(at(2));
        assertEquals(at(1), tracker.observe(0x2000, 0x1000));
        assertTrue(tracker.isWaiting());
        assertEquals(at(2), tracker.observe(0x3000, 0x2000));
        assertFalse(tracker.isWaiting());
    }

    @Test
    void shouldTellOnlyTheNewestOfSeveral() {
        tracker.committed(at(1));
        tracker.observe(0x1000, 0);
        tracker.committed(at(2));
        assertEquals(at(2), tracker.observe(0x2000, 0x2000));
        assertNull(tracker.observe(0x2000, 0x2000));
    }

    @Test
    void shouldTakeAPlaceRightBehindAPageHeaderForThePageStartR15() {
        assertEquals(0x1BC2000, FlushTracker.pageStart(0x1BC2018));
        assertEquals(0x2000000, FlushTracker.pageStart(0x2000028));
        assertEquals(0x1BC2019, FlushTracker.pageStart(0x1BC2019));
        assertEquals(0x1BC2028, FlushTracker.pageStart(0x1BC2028));
        tracker.committed(at(1));
        assertEquals(at(1), tracker.observe(0x1BC2018, 0x1BC2000));
    }

    @Test
    void shouldTellAllAfterACommitThatWaited() {
        assertNull(tracker.allDurable());
        tracker.committed(at(1));
        tracker.observe(0x1000, 0);
        assertEquals(at(1), tracker.allDurable());
        tracker.committed(at(2));
        assertEquals(at(2), tracker.allDurable());
        assertFalse(tracker.isWaiting());
    }
}
