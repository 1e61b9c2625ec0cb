package dev.replicator.capture;

import java.util.concurrent.TimeUnit;

/**
 * How long to pause far behind when the next message had to be waited for: the server sends each message by itself, and waking
 * somebody for each costs both sides more than the work. As long as it takes for many to come, but not for more than a socket
 * holds, so that the server need not wait in its turn (docs/performance.md).
 */
final class Gathering {
    private static final long SHORTEST_NANOS = TimeUnit.MICROSECONDS.toNanos(500);
    private static final long LONGEST_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
    private static final long ENOUGH_BYTES = 48 << 10;

    private long pauseNanos = SHORTEST_NANOS;
    private long bytes;

    /** Notes a message. */
    void received(int length) {
        bytes += length;
    }

    /** How long to pause now: longer than the last time if little came since, shorter if much. */
    long pauseNanos() {
        if (bytes < ENOUGH_BYTES) {
            pauseNanos = Math.min(2 * pauseNanos, LONGEST_NANOS);
        } else if (bytes > 2 * ENOUGH_BYTES) {
            pauseNanos = Math.max(pauseNanos / 2, SHORTEST_NANOS);
        }
        bytes = 0;
        return pauseNanos;
    }
}
