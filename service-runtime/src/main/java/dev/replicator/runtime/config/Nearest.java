package dev.replicator.runtime.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;

/** Finds the key that was probably meant. */
final class Nearest {
    private Nearest() {}

    /** Returns what to say about a key that is not known, given those that are. */
    static String advice(String unknown, Collection<String> known) {
        return known.stream()
                .min(Comparator.comparingInt((String key) -> distance(unknown, key))
                        .thenComparing(key -> key))
                .map(key -> distance(unknown, key) <= Math.max(2, key.length() / 2)
                        ? "unknown key; did you mean \"" + key + "\"?"
                        : "unknown key; the keys here are " + String.join(", ", known))
                .orElse("unknown key; there are no keys here");
    }

    /** Returns the Levenshtein distance without regard to case and to - against _. */
    static int distance(String one, String other) {
        String a = one.toLowerCase(Locale.ROOT).replace('_', '-');
        String b = other.toLowerCase(Locale.ROOT).replace('_', '-');
        int[] previous = new int[b.length() + 1];
        for (int column = 0; column <= b.length(); column++) {
            previous[column] = column;
        }
        for (int row = 1; row <= a.length(); row++) {
            int[] current = new int[b.length() + 1];
            current[0] = row;
            for (int column = 1; column <= b.length(); column++) {
                int change = previous[column - 1] + (a.charAt(row - 1) == b.charAt(column - 1) ? 0 : 1);
                current[column] = Math.min(change, 1 + Math.min(previous[column], current[column - 1]));
            }
            previous = current;
        }
        return previous[b.length()];
    }
}
