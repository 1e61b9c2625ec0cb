package dev.replicator.launcher.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class LatenciesTest {
    @Test
    void shouldTellPercentilesByNearestRank() {
        long[] lags = LongStream.rangeClosed(1, 200).map(i -> (201 - i) * 1_000).toArray();

        Latencies latencies = new Latencies(new long[200], lags);

        assertEquals(Map.of("p50", 100.0, "p95", 190.0, "p99", 198.0, "max", 200.0), latencies.summary());
    }

    @Test
    void shouldTellPercentilesOfASingleTransaction() {
        assertEquals(0.007, new Latencies(new long[] {1}, new long[] {7}).percentile(50));
        assertEquals(0, new Latencies(new long[] {1}, new long[] {7}).rate());
    }

    @Test
    void shouldOrderByTheMastersCommits() {
        Map<Long, Long> master = Map.of(5L, 3_000_000L, 6L, 1_000_000L, 7L, 2_500_000L, 8L, 9L);
        Map<Long, Long> target = Map.of(5L, 3_000_300L, 6L, 1_000_100L, 7L, 2_500_200L);

        Latencies latencies = Latencies.between(master, target, 5, 3);

        assertEquals(3, latencies.count());
        assertEquals(1.0, latencies.rate());
        assertEquals(
                List.of(new LinePlot.Point(1, 0.1), new LinePlot.Point(2, 0.2), new LinePlot.Point(3, 0.3)),
                latencies.secondMedians());
    }

    @Test
    void shouldLeaveOutSecondsWithoutTransactions() {
        Latencies latencies =
                new Latencies(new long[] {0, 10, 999_999, 2_000_000}, new long[] {3_000, 1_000, 2_000, 8_000});

        assertEquals(List.of(new LinePlot.Point(1, 2), new LinePlot.Point(3, 8)), latencies.secondMedians());
    }

    @Test
    void shouldRefuseWhenACommitIsMissing() {
        Map<Long, Long> master = new HashMap<>(Map.of(1L, 1L, 2L, 2L));

        IllegalStateException e =
                assertThrows(IllegalStateException.class, () -> Latencies.between(master, Map.of(1L, 1L), 1, 2));

        assertTrue(e.getMessage().startsWith("transaction 2 is visible on the slave"), e.getMessage());
    }
}
