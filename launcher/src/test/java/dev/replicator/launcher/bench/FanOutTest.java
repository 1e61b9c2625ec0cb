package dev.replicator.launcher.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FanOutTest {
    @Test
    void eachSlaveCarriesTwoTablesAndTheMark() {
        for (int slave = 0; slave < 32; slave++) {
            assertEquals(3, new HashSet<>(FanOutTables.of(slave)).size());
        }
        assertEquals(List.of("public.t3", "public.t2", "public.bench_mark"), FanOutTables.of(3));
    }

    @Test
    void slavesCarryDifferentTablesThatOverlap() {
        Set<List<String>> sets = new HashSet<>();
        IntStream.range(0, 8).forEach(slave -> sets.add(FanOutTables.of(slave)));

        assertEquals(8, sets.size());
        assertTrue(FanOutTables.of(1).contains("public.t4"));
        assertTrue(FanOutTables.of(4).contains("public.t4"));
    }

    @Test
    void growthIsThatOfTheMedianFromTheFirstToTheLastPoint() {
        Figure figure = FanOutFigures.growth(
                List.of(point(1, 1, 1, 9), point(4, 5), point(32, 3)),
                List.of(point(1, 2.0), point(4, 9), point(32, 2.08)));

        assertEquals(200, figure.nativeSide().median(), 1e-9);
        assertEquals(4, figure.ours().median(), 1e-9);
        assertEquals("1 to 32 slaves", figure.name());
        assertTrue(figure.holds());
        assertFalse(FanOutFigures.growth(List.of(point(1, 1)), List.of(point(1, 1), point(32, 1.06)))
                .holds());
    }

    @Test
    void aWindowCostsTheDifferenceOfTwoLooks() {
        assertEquals(new MasterCost(0.5, 7, 30), new MasterCost(2.5, 10, 50).since(new MasterCost(2, 3, 20)));
    }

    private static FanOutPoint point(int slaves, double... cpu) {
        return new FanOutPoint(
                slaves,
                java.util.Arrays.stream(cpu)
                        .mapToObj(seconds -> new MasterCost(seconds, 0, 0))
                        .toList(),
                List.of(),
                List.of(),
                List.of());
    }
}
