package dev.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Pauses grow while little comes and shrink when a socket would run over. */
class GatheringTest {
    private final Gathering gathering = new Gathering();

    @Test
    void shouldPauseLongerWhileLittleComes() {
        long first = paused(100);
        long second = paused(100);

        assertEquals(2 * first, second);
        for (int i = 0; i < 10; i++) {
            paused(100);
        }
        assertEquals(TimeUnit.MILLISECONDS.toNanos(5), paused(100));
    }

    @Test
    void shouldPauseShorterWhenMuchComes() {
        for (int i = 0; i < 10; i++) {
            paused(100);
        }
        assertTrue(paused(1 << 20) < TimeUnit.MILLISECONDS.toNanos(5));
        for (int i = 0; i < 10; i++) {
            paused(1 << 20);
        }
        assertEquals(TimeUnit.MICROSECONDS.toNanos(500), paused(1 << 20));
    }

    @Test
    void shouldKeepAPauseThatFits() {
        paused(100);
        long kept = paused(100);

        assertEquals(kept, paused(64 << 10));
        assertEquals(kept, paused(64 << 10));
    }

    private long paused(int bytes) {
        gathering.received(bytes / 2);
        gathering.received(bytes - bytes / 2);
        return gathering.pauseNanos();
    }
}
