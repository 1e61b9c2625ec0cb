package dev.replicator.slave.lane;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
final class IntakeTest {
    private static final Epoch EPOCH = Epoch.begin(1);
    private static final BatchLimits LIMITS = new BatchLimits(3, Duration.ofMillis(1), 1000);
    private final Intake intake = new Intake(10_000);

    private static Position at(long seq) {
        return new Position(EPOCH, seq, seq * 10);
    }

    private static LaneItem.Piece whole(long seq, long bytes) {
        return new LaneItem.Piece(at(seq), seq, List.of(), bytes, true, true);
    }

    @Test
    void shouldTakeWholeTransactionsUpToTheLimits() throws Exception {
        for (int seq = 1; seq <= 4; seq++) {
            intake.put(whole(seq, 10));
        }
        Batch batch = intake.take(LIMITS, Long.MAX_VALUE);
        assertEquals(3, batch.transactions());
        assertEquals(at(3), batch.end());
        assertEquals(at(4), intake.take(LIMITS, Long.MAX_VALUE).end());
        assertNull(intake.take(LIMITS, Long.MAX_VALUE));
    }

    @Test
    void shouldEndABatchAtItsBytes() throws Exception {
        intake.put(whole(1, 900));
        intake.put(whole(2, 900));
        assertEquals(at(1), intake.take(LIMITS, Long.MAX_VALUE).end());
        assertEquals(at(2), intake.take(LIMITS, Long.MAX_VALUE).end());
    }

    @Test
    void shouldNotGoBeyondAWaitingSideLane() throws Exception {
        intake.put(whole(5, 10));
        intake.put(whole(8, 10));
        assertEquals(at(5), intake.take(LIMITS, 7).end());
        assertNull(intake.take(LIMITS, 7));
        assertTrue(intake.isDrainedThrough(7));
        assertFalse(intake.isDrainedThrough(8));
    }

    @Test
    void shouldKnowThatNothingCanComeOnlyFromWhatCameOrWasTold() throws Exception {
        assertFalse(intake.isDrainedThrough(3));
        intake.knowThrough(3);
        assertTrue(intake.isDrainedThrough(3));
        assertFalse(intake.isDrainedThrough(4));
        intake.put(new LaneItem.Broken(Long.MAX_VALUE, new IOException("end")));
        assertFalse(intake.isDrainedThrough(4));
    }

    @Test
    void shouldKnowThatNothingCanComeBelowWhatWasPut() throws Exception {
        intake.put(whole(5, 10));
        assertFalse(intake.isDrainedThrough(5));
        assertEquals(at(5), intake.take(LIMITS, Long.MAX_VALUE).end());
        assertTrue(intake.isDrainedThrough(5));
        intake.put(new LaneItem.Passed(at(8), 8));
        intake.take(LIMITS, Long.MAX_VALUE);
        assertTrue(intake.isDrainedThrough(8));
        intake.put(new LaneItem.Piece(at(9), 9, List.of(), 10, true, false));
        intake.take(LIMITS, Long.MAX_VALUE);
        assertFalse(intake.isDrainedThrough(9), "more of it comes");
    }

    @Test
    void shouldHandOverALargeTransactionPieceByPieceAndAlone() throws Exception {
        intake.put(whole(1, 10));
        intake.put(new LaneItem.Piece(at(2), 2, List.of(), 900, true, false));
        intake.put(new LaneItem.Piece(at(2), 2, List.of(), 900, false, true));
        assertEquals(at(1), intake.take(LIMITS, Long.MAX_VALUE).end());
        Batch first = intake.take(LIMITS, Long.MAX_VALUE);
        assertTrue(first.open());
        assertEquals(at(2), first.end());
        assertFalse(intake.takeNext().open());
    }

    @Test
    void shouldEndABatchAtAnEvent() throws Exception {
        intake.put(whole(1, 10));
        intake.put(new LaneItem.Settled(1, List.of()));
        intake.put(whole(2, 10));
        Batch batch = intake.take(LIMITS, Long.MAX_VALUE);
        assertEquals(at(1), batch.end());
        assertTrue(batch.event() instanceof LaneItem.Settled);
        assertEquals(at(2), intake.take(LIMITS, Long.MAX_VALUE).end());
    }

    @Test
    void shouldMakeTheFasterOneWait() throws Exception {
        Thread producer = new Thread(() -> {
            try {
                for (int seq = 1; seq <= 100; seq++) {
                    intake.put(whole(seq, 3000));
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        producer.start();
        long reached = 0;
        while (reached < 100) {
            intake.await(LIMITS, Long.MAX_VALUE, Duration.ofSeconds(10));
            Batch batch = intake.take(LIMITS, Long.MAX_VALUE);
            if (batch != null) {
                assertEquals(reached + 1, batch.end().seq());
                reached = batch.end().seq();
            }
        }
        producer.join();
    }
}
