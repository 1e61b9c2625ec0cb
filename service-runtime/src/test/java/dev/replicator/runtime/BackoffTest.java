package dev.replicator.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class BackoffTest {
    private static final Duration LONG = Duration.ofHours(1);

    @Test
    void shouldDoubleUpToTheLimitAndStartAgain() {
        Backoff backoff = new Backoff(Duration.ofMillis(100), Duration.ofMillis(700), () -> 0.0);

        assertEquals(TimeUnit.MILLISECONDS.toNanos(100), backoff.nextPauseNanosLocked());
        assertEquals(TimeUnit.MILLISECONDS.toNanos(200), backoff.nextPauseNanosLocked());
        assertEquals(TimeUnit.MILLISECONDS.toNanos(400), backoff.nextPauseNanosLocked());
        assertEquals(TimeUnit.MILLISECONDS.toNanos(700), backoff.nextPauseNanosLocked());
        assertEquals(TimeUnit.MILLISECONDS.toNanos(700), backoff.nextPauseNanosLocked());
        backoff.reset();
        assertEquals(TimeUnit.MILLISECONDS.toNanos(100), backoff.nextPauseNanosLocked());
    }

    @Test
    void shouldShortenByUpToHalf() {
        Backoff backoff = new Backoff(Duration.ofMillis(100), LONG, () -> 0.5);

        assertEquals(TimeUnit.MILLISECONDS.toNanos(75), backoff.nextPauseNanosLocked());
    }

    @Test
    void shouldPauseForTheWholeTime() throws InterruptedException {
        Backoff backoff = new Backoff(Duration.ofMillis(20), LONG, () -> 0.0);
        long start = System.nanoTime();

        assertTrue(backoff.pause());

        assertTrue(System.nanoTime() - start >= TimeUnit.MILLISECONDS.toNanos(20));
    }

    @Test
    void shouldEndThePauseWhenCancelled() throws Exception {
        Backoff backoff = new Backoff(LONG, LONG);
        CountDownLatch started = new CountDownLatch(1);
        FutureTask<Boolean> pause = new FutureTask<>(() -> {
            started.countDown();
            return backoff.pause();
        });
        new Thread(pause).start();
        started.await();

        backoff.cancel();

        assertFalse(pause.get(10, TimeUnit.SECONDS));
        assertFalse(assertTimeoutPreemptively(Duration.ofSeconds(10), backoff::pause));
    }

    @Test
    void shouldRefuseImpossibleLimits() {
        assertThrows(IllegalArgumentException.class, () -> new Backoff(Duration.ZERO, LONG));
        assertThrows(IllegalArgumentException.class, () -> new Backoff(LONG, Duration.ofSeconds(1)));
    }
}
