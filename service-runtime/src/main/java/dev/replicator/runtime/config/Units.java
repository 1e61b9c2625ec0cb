package dev.replicator.runtime.config;

import java.time.Duration;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes and durations with their units. A number without a unit is refused: nobody knows what it means. */
public final class Units {
    private static final Pattern NUMBER_UNIT = Pattern.compile("([0-9]{1,18})\\s*([A-Za-z]*)");
    private static final Map<String, Long> SIZES =
            Map.of("B", 1L, "KiB", 1L << 10, "MiB", 1L << 20, "GiB", 1L << 30, "TiB", 1L << 40);
    private static final Map<String, Duration> DURATIONS = Map.of(
            "ms", Duration.ofMillis(1),
            "s", Duration.ofSeconds(1),
            "m", Duration.ofMinutes(1),
            "h", Duration.ofHours(1),
            "d", Duration.ofDays(1));

    private Units() {}

    /**
     * Reads a size such as {@code 20GiB}; units B, KiB, MiB, GiB, TiB.
     *
     * @return bytes
     * @throws IllegalArgumentException if it is none
     */
    public static long bytes(String text) {
        Matcher matcher = NUMBER_UNIT.matcher(text.strip());
        Long unit = matcher.matches() ? SIZES.get(matcher.group(2)) : null;
        if (unit == null) {
            throw new IllegalArgumentException(
                    "expected a size such as 512MiB or 20GiB (B, KiB, MiB, GiB, TiB), got \"" + text + "\"");
        }
        return product(text, Long.parseLong(matcher.group(1)), unit);
    }

    /**
     * Reads a duration such as {@code 30s}; units ms, s, m, h, d.
     *
     * @throws IllegalArgumentException if it is none
     */
    public static Duration duration(String text) {
        Matcher matcher = NUMBER_UNIT.matcher(text.strip());
        Duration unit = matcher.matches() ? DURATIONS.get(matcher.group(2)) : null;
        if (unit == null) {
            throw new IllegalArgumentException(
                    "expected a duration such as 20ms, 30s or 7d (ms, s, m, h, d), got \"" + text + "\"");
        }
        return Duration.ofMillis(product(text, Long.parseLong(matcher.group(1)), unit.toMillis()));
    }

    private static long product(String text, long number, long unit) {
        try {
            return Math.multiplyExact(number, unit);
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("the value \"" + text + "\" is too large", e);
        }
    }
}
