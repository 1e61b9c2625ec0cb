package dev.replicator.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class AwaitTest {
    @Test
    void shouldAskAgainUntilTheConditionHolds() {
        AtomicInteger asked = new AtomicInteger();
        Await.until("third question", Duration.ofSeconds(10), () -> {
            if (asked.incrementAndGet() < 3) {
                throw new IOException("not yet");
            }
            return true;
        });
        assertEquals(3, asked.get());
    }

    @Test
    void shouldNameConditionStateAndLastFailureWhenTimeIsUp() {
        IOException last = new IOException("connection refused");
        AssertionError error = assertThrows(
                AssertionError.class,
                () -> Await.until(
                        "slave in sync",
                        Duration.ofMillis(30),
                        () -> {
                            throw last;
                        },
                        () -> "lane main at 7"));
        assertEquals(last, error.getCause());
        assertTrue(error.getMessage().contains("slave in sync"), error.getMessage());
        assertTrue(error.getMessage().contains("lane main at 7"), error.getMessage());
        assertTrue(error.getMessage().contains("connection refused"), error.getMessage());
    }
}
