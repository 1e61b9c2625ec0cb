package dev.replicator.runtime.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

final class TextTableTest {
    @Test
    void shouldAlignColumns() {
        TextTable table = new TextTable("table", ">rows", "state")
                .row("public.orders", 1000, "in-sync")
                .row("public.größe", 7, null);

        assertEquals(
                """
                TABLE          ROWS  STATE
                public.orders  1000  in-sync
                public.größe      7  -
                """,
                table.toString());
    }

    @Test
    void shouldRefuseARowOfAnotherLength() {
        assertThrows(IllegalArgumentException.class, () -> new TextTable("a", "b").row(1));
    }
}
