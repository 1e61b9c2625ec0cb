package dev.replicator.embedded;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Waits for a condition of something that runs beside the caller, such as a daemon or a server. */
public final class Await {
    private static final long POLL_MILLIS = 20;

    /** A condition that may fail with any exception; a failure counts as "not yet" and is shown when time is up. */
    @FunctionalInterface
    public interface Condition {
        boolean holds() throws Exception;
    }

    private Await() {}

    /**
     * Waits until the condition holds.
     *
     * @param description what is waited for, for the message
     * @throws AssertionError when it does not hold in time; its cause is the condition's last exception
     */
    public static void until(String description, Duration atMost, Condition condition) {
        until(description, atMost, condition, () -> "");
    }

    /**
     * Waits until the condition holds.
     *
     * @param diagnostics asked once when time is up: the state that explains why, for the message
     * @throws AssertionError when it does not hold in time; its cause is the condition's last exception
     */
    public static void until(String description, Duration atMost, Condition condition, Supplier<String> diagnostics) {
        long deadline = System.nanoTime() + atMost.toNanos();
        Exception last = null;
        while (true) {
            try {
                if (condition.holds()) {
                    return;
                }
                last = null;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted while waiting for " + description, e);
            } catch (Exception e) {
                last = e;
            }
            if (System.nanoTime() - deadline >= 0) {
                throw timedOut(description, atMost, diagnostics, last);
            }
            pause(description);
        }
    }

    private static AssertionError timedOut(
            String description, Duration atMost, Supplier<String> diagnostics, Exception last) {
        String state = diagnostics.get();
        String message = "not within " + atMost + ": " + description
                + (last == null ? "" : "; last failure: " + last)
                + (state.isEmpty() ? "" : "\n" + state);
        return new AssertionError(message, last);
    }

    private static void pause(String description) {
        try {
            // A latch nobody counts down: the caller's condition has no signal to wait on.
            if (new CountDownLatch(1).await(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
                throw new IllegalStateException("unreachable");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted while waiting for " + description, e);
        }
    }
}
