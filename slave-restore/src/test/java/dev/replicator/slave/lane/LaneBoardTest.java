package dev.replicator.slave.lane;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.slave.state.LanePosition;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

final class LaneBoardTest {
    private static final Epoch EPOCH = Epoch.begin(1);
    private final LaneBoard board = new LaneBoard();

    private static Position at(long seq) {
        return new Position(EPOCH, seq, seq * 10);
    }

    private static LanePosition side(String name, long seq) {
        return new LanePosition(name, at(seq), 0, false);
    }

    private static Batch batchTo(long seq) {
        return new Batch(List.of(), at(seq), 0, 1, false, null);
    }

    @Test
    void shouldRefuseAnOfferBehindWhatTheMainLaneIsDoing() {
        assertFalse(board.offer(side("a", 50)));
        board.mainAt(at(40), () -> {});
        board.nextForMain(limit -> batchTo(60));
        assertFalse(board.offer(side("a", 50)));
        assertTrue(board.offer(side("a", 60)));
    }

    @Test
    void shouldHoldTheMainLaneAtTheNearestOffer() {
        board.mainAt(at(40), () -> {});
        assertTrue(board.offer(side("far", 90)));
        assertTrue(board.offer(side("near", 70)));
        board.nextForMain(limit -> {
            assertEquals(70, limit);
            return batchTo(limit);
        });
        assertEquals("near", board.firstOffer().orElseThrow().lane());
        board.withdraw("near");
        assertEquals(90, board.limit());
    }

    @Test
    void shouldTellAnOfferThatIsAnswered() throws Exception {
        board.mainAt(at(40), () -> {});
        board.offer(side("a", 40));
        assertTrue(board.awaitAnswer("a", Duration.ofMillis(1)));
        board.withdraw("a");
        assertFalse(board.awaitAnswer("a", Duration.ofSeconds(10)));
    }

    @Test
    void shouldWakeTheMainLaneForAnOfferAndForAComparedGroup() {
        int[] woken = new int[1];
        board.mainAt(at(40), () -> woken[0]++);
        board.offer(side("a", 40));
        board.compared("g");
        assertEquals(2, woken[0]);
        assertEquals("g", board.takeCompared().orElseThrow());
        assertTrue(board.takeCompared().isEmpty());
    }
}
