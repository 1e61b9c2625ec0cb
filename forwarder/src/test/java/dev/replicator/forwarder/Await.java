package dev.replicator.forwarder;

import dev.replicator.runtime.Backoff;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.Supplier;

/** Waits for a condition with a deadline and says what it saw when time is up. */
final class Await {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private Await() {}

    static void until(String what, Callable<Boolean> condition, Supplier<Object> seen) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        Backoff backoff = new Backoff(Duration.ofMillis(5), Duration.ofMillis(50));
        while (!condition.call()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("not within " + LIMIT.toSeconds() + " s: " + what + "; seen: " + seen.get());
            }
            backoff.pause();
        }
    }

    static void until(String what, Callable<Boolean> condition) throws Exception {
        until(what, condition, () -> "-");
    }
}
