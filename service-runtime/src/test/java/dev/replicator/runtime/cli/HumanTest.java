package dev.replicator.runtime.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class HumanTest {
    @Test
    void shouldWriteSizes() {
        assertEquals("0 B", Human.bytes(0));
        assertEquals("1023 B", Human.bytes(1023));
        assertEquals("1.5 KiB", Human.bytes(1536));
        assertEquals("70.0 MiB", Human.bytes(73_400_320));
        assertEquals("-2.0 GiB", Human.bytes(-(2L << 30)));
        assertEquals("8.0 EiB", Human.bytes(Long.MAX_VALUE));
    }

    @Test
    void shouldWriteDurations() {
        assertEquals("0 ms", Human.duration(Duration.ZERO));
        assertEquals("12 ms", Human.seconds(0.012));
        assertEquals("3.2 s", Human.duration(Duration.ofMillis(3210)));
        assertEquals("1m 00s", Human.duration(Duration.ofMillis(59_960)));
        assertEquals("4m 05s", Human.duration(Duration.ofSeconds(245)));
        assertEquals("2h 03m", Human.duration(Duration.ofMinutes(123)));
        assertEquals("7d 1h", Human.duration(Duration.ofHours(169)));
        assertEquals("-3.0 s", Human.duration(Duration.ofSeconds(-3)));
    }

    @Test
    void shouldWriteCounts() {
        assertEquals("123,456", Human.count(123_456));
    }
}
