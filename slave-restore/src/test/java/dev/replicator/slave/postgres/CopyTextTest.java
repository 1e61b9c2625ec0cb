package dev.replicator.slave.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

final class CopyTextTest {
    @Test
    void shouldEscapeWhatCopyTakesForSomethingElse() {
        Object[] row = {1, "tab\tline\nreturn\rback\\slash", null, "ä\u20ac\uD83D\uDE00", true, new byte[] {0, -1}};
        CopyText text = new CopyText(Collections.singletonList(row), new int[] {3, 1, 2, 0, 4, 5});

        assertEquals(
                "ä\u20ac\uD83D\uDE00\ttab\\tline\\nreturn\\rback\\\\slash\t\\N\t1\tt\t\\\\x00ff\n",
                new String(text.next(), StandardCharsets.UTF_8));
        assertNull(text.next());
    }

    @Test
    void shouldWriteNumbersAsTheyArePrinted() {
        long[] numbers = {0, 7, -7, 10, -10, 99, 100, Integer.MIN_VALUE, Long.MAX_VALUE, Long.MIN_VALUE};
        for (long number : numbers) {
            List<Object[]> rows = Collections.singletonList(new Object[] {number, (int) number});
            assertEquals(
                    number + "\t" + (int) number + "\n",
                    new String(new CopyText(rows, new int[] {0, 1}).next(), StandardCharsets.UTF_8));
        }
    }

    @Test
    void shouldCutBetweenRowsHoweverLargeTheyAre() {
        String large = "x\t".repeat(100_000);
        List<Object[]> rows = Arrays.asList(new Object[] {large}, new Object[] {"small"});
        CopyText text = new CopyText(rows, new int[] {0});

        assertEquals("x\\t".repeat(100_000) + "\n", new String(text.next(), StandardCharsets.UTF_8));
        assertEquals("small\n", new String(text.next(), StandardCharsets.UTF_8));
        assertNull(text.next());
    }
}
