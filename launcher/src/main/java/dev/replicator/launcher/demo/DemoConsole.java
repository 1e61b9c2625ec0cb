package dev.replicator.launcher.demo;

import dev.replicator.runtime.cli.Human;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;

/** Prints the demo's steps with the time since its start. */
final class DemoConsole {
    private final PrintWriter out;
    private final long startedNanos = System.nanoTime();
    private int step;

    DemoConsole(PrintWriter out) {
        this.out = out;
    }

    /** A numbered step begins. */
    void step(String text) {
        step++;
        line(String.format(Locale.ROOT, "%n[%4.1f s] %d. %s", seconds(), step, text));
    }

    /** A fact that belongs to the current step. */
    void fact(String text) {
        line("           " + text);
    }

    void line(String text) {
        out.println(text);
        out.flush();
    }

    PrintWriter writer() {
        return out;
    }

    Duration elapsed() {
        return Duration.ofNanos(System.nanoTime() - startedNanos);
    }

    static String bytes(long count) {
        return Human.bytes(count);
    }

    private double seconds() {
        return (System.nanoTime() - startedNanos) / 1e9;
    }
}
