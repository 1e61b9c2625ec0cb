package dev.replicator.runtime.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class UnitsTest {
    @Test
    void shouldReadSizes() {
        assertEquals(0, Units.bytes("0B"));
        assertEquals(512L << 20, Units.bytes("512MiB"));
        assertEquals(20L << 30, Units.bytes(" 20 GiB "));
        assertEquals(1L << 40, Units.bytes("1TiB"));
    }

    @Test
    void shouldReadDurations() {
        assertEquals(Duration.ofMillis(20), Units.duration("20ms"));
        assertEquals(Duration.ofSeconds(30), Units.duration("30s"));
        assertEquals(Duration.ofMinutes(5), Units.duration("5m"));
        assertEquals(Duration.ofHours(2), Units.duration("2h"));
        assertEquals(Duration.ofDays(7), Units.duration("7d"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "20", "20GB", "GiB", "-1GiB", "1.5GiB", "20gib", "99999999TiB"})
    void shouldRefuseWhatIsNoSize(String text) {
        assertThrows(IllegalArgumentException.class, () -> Units.bytes(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "30", "s", "-1s", "1.5s", "1w", "999999999999999999d"})
    void shouldRefuseWhatIsNoDuration(String text) {
        assertThrows(IllegalArgumentException.class, () -> Units.duration(text));
    }
}
