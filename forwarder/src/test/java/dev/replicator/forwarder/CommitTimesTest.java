package dev.replicator.forwarder;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import java.util.List;
import org.junit.jupiter.api.Test;

final class CommitTimesTest {
    private static final long NOW = 1_800_000_000_000_000L;
    private static final Epoch EPOCH = Epoch.begin(1);

    private final CommitTimes times = new CommitTimes();

    @Test
    void shouldTellTheAgeOfTheOldestTransactionThatIsNotApplied() {
        committed(1, NOW - 60_000_000);
        committed(2, NOW - 30_000_000);
        committed(3, NOW - 29_999_000);

        assertEquals(60_000_000, times.lagMicros(0, NOW));
        assertEquals(30_000_000, times.lagMicros(1, NOW));
        assertEquals(
                30_000_000, times.lagMicros(2, NOW), "a transaction between two samples is as old as the last one");
    }

    @Test
    void shouldKnowNothingBeforeTheFirstTransaction() {
        assertEquals(0, times.lagMicros(0, NOW));
    }

    private void committed(long seq, long micros) {
        Position at = new Position(EPOCH, seq, 1000 + seq);
        times.note(new RecordHeader(RecordKind.TRANSACTION, 0, 0, at, seq, micros, 0, "", List.of()));
    }
}
