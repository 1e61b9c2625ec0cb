package dev.replicator.runtime.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Shows how far a long piece of work is: a bar that is drawn again in place on a terminal, a plain line now and then elsewhere.
 * Not thread-safe.
 */
public final class ProgressBar implements AutoCloseable {
    private static final int WIDTH = 30;
    private static final Duration TERMINAL_INTERVAL = Duration.ofMillis(100);
    private static final Duration PLAIN_INTERVAL = Duration.ofSeconds(5);

    private final PrintWriter out;
    private final String label;
    private final boolean terminal;
    private final LongSupplier nanos;
    private long drawnNanos;
    private boolean drawn;
    private String shown = "";
    private String latest = "";

    /** @param out where to draw; a terminal if the process has one, see {@link #isTerminal} */
    public ProgressBar(PrintWriter out, String label) {
        this(out, label, isTerminal(), System::nanoTime);
    }

    ProgressBar(PrintWriter out, String label, boolean terminal, LongSupplier nanos) {
        this.out = out;
        this.label = label;
        this.terminal = terminal;
        this.nanos = nanos;
    }

    /** Returns true if both input and output are a terminal that understands carriage returns. */
    public static boolean isTerminal() {
        // Before Java 22 the console is there only if both are a terminal; from 22 on it has isTerminal(), which says
        // no
        // more than TERM does for our purpose.
        String term = System.getenv("TERM");
        return System.console() != null && term != null && !term.equals("dumb");
    }

    /**
     * Shows a state, at most a few times per second.
     *
     * @param total 0 or less if not known
     * @param detail appended, such as {@code 12.0 MiB}; may be empty
     */
    public void update(long done, long total, String detail) {
        StringBuilder line = new StringBuilder(label);
        if (total > 0) {
            double share = Math.min(1.0, Math.max(0.0, (double) done / total));
            if (terminal) {
                int filled = (int) (share * WIDTH);
                line.append(" [")
                        .append("#".repeat(filled))
                        .append(".".repeat(WIDTH - filled))
                        .append(']');
            }
            line.append(String.format(java.util.Locale.ROOT, " %3d%%", (int) (share * 100)));
        } else {
            line.append(' ').append(Human.count(done));
        }
        if (!detail.isEmpty()) {
            line.append("  ").append(detail);
        }
        latest = line.toString();
        long interval = (terminal ? TERMINAL_INTERVAL : PLAIN_INTERVAL).toNanos();
        if (!drawn || nanos.getAsLong() - drawnNanos >= interval) {
            draw();
        }
    }

    /** Shows the last state and ends the line. */
    @Override
    public void close() {
        if (!latest.isEmpty() && !latest.equals(shown)) {
            draw();
        }
        if (terminal && drawn) {
            out.println();
            out.flush();
        }
    }

    private void draw() {
        if (terminal) {
            // Spaces wipe the rest of a longer line drawn before.
            out.print("\r" + latest + " ".repeat(Math.max(0, shown.length() - latest.length())));
        } else {
            out.println(latest);
        }
        out.flush();
        shown = latest;
        drawn = true;
        drawnNanos = nanos.getAsLong();
    }
}
