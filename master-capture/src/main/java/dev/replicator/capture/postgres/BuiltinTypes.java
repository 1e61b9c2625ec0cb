package dev.replicator.capture.postgres;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * Names of PostgreSQL's built-in types as {@code format_type} writes them. The stream carries only their oids, and asking
 * today's catalogue is not allowed for a schema of the stream (rule R06); the oids are constants of the server.
 */
final class BuiltinTypes {
    private static final String RESOURCE = "builtin-types.txt";
    private static final Map<Integer, String> NAMES = load();

    private static final int CHARACTER = 1042;
    private static final int VARCHAR = 1043;
    private static final int TIME = 1083;
    private static final int TIMESTAMP = 1114;
    private static final int TIMESTAMP_TZ = 1184;
    private static final int INTERVAL = 1186;
    private static final int TIME_TZ = 1266;
    private static final int BIT = 1560;
    private static final int BIT_VARYING = 1562;
    private static final int NUMERIC = 1700;

    /** Array types whose elements take a modifier. */
    private static final Map<Integer, Integer> ELEMENTS = Map.of(
            1014,
            CHARACTER,
            1015,
            VARCHAR,
            1183,
            TIME,
            1115,
            TIMESTAMP,
            1185,
            TIMESTAMP_TZ,
            1187,
            INTERVAL,
            1270,
            TIME_TZ,
            1561,
            BIT,
            1563,
            BIT_VARYING,
            1231,
            NUMERIC);

    private static final int FULL_RANGE = 0x7FFF;
    private static final int FULL_PRECISION = 0xFFFF;
    private static final Map<Integer, String> INTERVAL_RANGES = Map.ofEntries(
            Map.entry(1 << 2, " year"),
            Map.entry(1 << 1, " month"),
            Map.entry(1 << 3, " day"),
            Map.entry(1 << 10, " hour"),
            Map.entry(1 << 11, " minute"),
            Map.entry(1 << 12, " second"),
            Map.entry(1 << 2 | 1 << 1, " year to month"),
            Map.entry(1 << 3 | 1 << 10, " day to hour"),
            Map.entry(1 << 3 | 1 << 10 | 1 << 11, " day to minute"),
            Map.entry(1 << 3 | 1 << 10 | 1 << 11 | 1 << 12, " day to second"),
            Map.entry(1 << 10 | 1 << 11, " hour to minute"),
            Map.entry(1 << 10 | 1 << 11 | 1 << 12, " hour to second"),
            Map.entry(1 << 11 | 1 << 12, " minute to second"));

    private BuiltinTypes() {}

    /**
     * The type's name with its modifier, for example {@code numeric(10,2)}; null when the oid is not a built-in type's.
     */
    static String format(int oid, int modifier) {
        String name = NAMES.get(oid);
        if (name == null || modifier < 0) {
            return name;
        }
        Integer element = ELEMENTS.get(oid);
        return element == null ? withModifier(oid, name, modifier) : format(element, modifier) + "[]";
    }

    private static String withModifier(int oid, String name, int modifier) {
        return switch (oid) {
            case CHARACTER -> "character(" + (modifier - 4) + ")";
            case VARCHAR -> name + "(" + (modifier - 4) + ")";
            case BIT -> "bit(" + modifier + ")";
            case BIT_VARYING -> name + "(" + modifier + ")";
            case TIME, TIMESTAMP, TIME_TZ, TIMESTAMP_TZ -> {
                int space = name.indexOf(' ');
                yield name.substring(0, space) + "(" + modifier + ")" + name.substring(space);
            }
            case NUMERIC -> {
                int scale = (((modifier - 4) & 0x7FF) ^ 1024) - 1024;
                yield name + "(" + ((modifier - 4) >> 16 & 0xFFFF) + "," + scale + ")";
            }
            case INTERVAL -> interval(name, modifier);
            default -> name;
        };
    }

    private static String interval(String name, int modifier) {
        int precision = modifier & FULL_PRECISION;
        int range = modifier >> 16 & FULL_RANGE;
        String fields = range == FULL_RANGE ? "" : INTERVAL_RANGES.getOrDefault(range, "");
        return name + fields + (precision == FULL_PRECISION ? "" : "(" + precision + ")");
    }

    private static Map<Integer, String> load() {
        Map<Integer, String> names = new HashMap<>();
        try (InputStream in = BuiltinTypes.class.getResourceAsStream(RESOURCE);
                BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                int space = line.indexOf(' ');
                if (line.charAt(0) != '#') {
                    names.put(Integer.valueOf(line.substring(0, space)), line.substring(space + 1));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + RESOURCE + " from the program's own jar", e);
        }
        return Map.copyOf(names);
    }
}
