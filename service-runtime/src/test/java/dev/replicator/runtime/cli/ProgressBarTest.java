package dev.replicator.runtime.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class ProgressBarTest {
    private final StringWriter text = new StringWriter();
    private final PrintWriter out = new PrintWriter(text);
    private long nanos;

    @Test
    void shouldDrawInPlaceOnATerminal() {
        try (ProgressBar bar = new ProgressBar(out, "orders", true, () -> nanos)) {
            bar.update(1, 2, "12.0 MiB");
            bar.update(1, 2, "12.5 MiB");
            nanos += Duration.ofSeconds(1).toNanos();
            bar.update(2, 2, "");
        }

        assertEquals(
                "\rorders [" + "#".repeat(15) + ".".repeat(15) + "]  50%  12.0 MiB" + "\rorders [" + "#".repeat(30)
                        + "] 100%" + " ".repeat(10) + System.lineSeparator(),
                text.toString());
    }

    @Test
    void shouldPrintPlainLinesNowAndThenElsewhere() {
        try (ProgressBar bar = new ProgressBar(out, "orders", false, () -> nanos)) {
            bar.update(0, 100, "");
            bar.update(50, 100, "");
            nanos += Duration.ofSeconds(6).toNanos();
            bar.update(60, 100, "");
            bar.update(100, 100, "");
        }

        assertEquals("orders   0%\norders  60%\norders 100%\n", text.toString().replace("\r\n", "\n"));
    }

    @Test
    void shouldCountWhenTheTotalIsNotKnown() {
        try (ProgressBar bar = new ProgressBar(out, "rows", false, () -> nanos)) {
            bar.update(1234, 0, "");
        }

        assertEquals("rows 1,234\n", text.toString().replace("\r\n", "\n"));
    }
}
