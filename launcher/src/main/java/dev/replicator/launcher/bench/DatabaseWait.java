package dev.replicator.launcher.bench;

import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Waits for what a database shows, in the same way for native and for ours: looking costs CPU, too. */
final class DatabaseWait {
    private static final Duration LIMIT = Duration.ofMinutes(20);
    /** Each look is a new session: more often would take CPU from what is measured. */
    private static final long PAUSE_NANOS = 100_000_000L;

    private DatabaseWait() {}

    /** What is looked for. */
    @FunctionalInterface
    interface Check {
        boolean holds() throws SQLException;
    }

    /** @throws IllegalStateException when time is up */
    static void until(String what, Check check) throws SQLException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!check.holds()) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("waited " + LIMIT.toMinutes() + " minutes for: " + what);
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }
}
