package dev.replicator.runtime.cli;

import java.time.Duration;
import java.util.Locale;

/** Numbers as people read them. */
public final class Human {
    private static final String[] SIZE_UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

    private Human() {}

    /** Returns a size such as {@code 0 B}, {@code 1.5 KiB} or {@code 70.0 MiB}. */
    public static String bytes(long bytes) {
        double value = Math.abs((double) bytes);
        int unit = 0;
        while (value >= 1024 && unit < SIZE_UNITS.length - 1) {
            value /= 1024;
            unit++;
        }
        String sign = bytes < 0 ? "-" : "";
        return unit == 0 ? bytes + " B" : sign + String.format(Locale.ROOT, "%.1f %s", value, SIZE_UNITS[unit]);
    }

    /** Returns a duration such as {@code 12 ms}, {@code 3.2 s}, {@code 4m 05s}, {@code 2h 03m} or {@code 7d 1h}. */
    public static String duration(Duration duration) {
        if (duration.isNegative()) {
            return "-" + duration(duration.negated());
        }
        long millis = duration.toMillis();
        long seconds = duration.toSeconds();
        if (millis < 1000) {
            return millis + " ms";
        }
        // Below 59.95 s, so that rounding never shows 60.0 s.
        if (millis < 59_950) {
            return String.format(Locale.ROOT, "%.1f s", millis / 1000.0);
        }
        if (seconds < 3600) {
            long rounded = Math.max(60, seconds);
            return String.format(Locale.ROOT, "%dm %02ds", rounded / 60, rounded % 60);
        }
        if (seconds < 86_400) {
            return String.format(Locale.ROOT, "%dh %02dm", seconds / 3600, seconds % 3600 / 60);
        }
        return String.format(Locale.ROOT, "%dd %dh", seconds / 86_400, seconds % 86_400 / 3600);
    }

    /** As {@link #duration}, from seconds. */
    public static String seconds(double seconds) {
        return duration(Duration.ofNanos((long) (seconds * 1e9)));
    }

    /** Returns a number with its thousands apart, such as {@code 123,456}. */
    public static String count(long count) {
        return String.format(Locale.ROOT, "%,d", count);
    }
}
