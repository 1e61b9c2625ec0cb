package dev.replicator.simulation;

import java.util.Map;
import java.util.TreeMap;

/**
 * Rows of a table, on the master or on a slave. Never changed: a change makes another one.
 *
 * @param keyed whether column {@code id} names a row
 * @param rows by id the other columns' text; without a key, by the whole row's text how often it is there
 */
public record TableRows(boolean keyed, Map<String, String> rows) {
    private static final String SEPARATOR = "|";

    public static TableRows empty(boolean keyed) {
        return new TableRows(keyed, Map.of());
    }

    /** Whether a row of these columns could be touched: it is there. */
    public boolean has(String id, String rest) {
        return rows.containsKey(keyed ? id : id + SEPARATOR + rest);
    }

    public String rest(String id) {
        return rows.get(id);
    }

    public boolean isEmpty() {
        return rows.isEmpty();
    }

    /** With one row more; null when the key is taken. */
    public TableRows insert(String id, String rest) {
        Map<String, String> next = new TreeMap<>(rows);
        if (keyed) {
            return next.putIfAbsent(id, rest) == null ? new TableRows(true, next) : null;
        }
        next.merge(id + SEPARATOR + rest, "1", (count, one) -> String.valueOf(Integer.parseInt(count) + 1));
        return new TableRows(false, next);
    }

    /** Without that row; null when there is none. */
    public TableRows delete(String id, String rest) {
        Map<String, String> next = new TreeMap<>(rows);
        if (keyed) {
            return next.remove(id) == null ? null : new TableRows(true, next);
        }
        String row = id + SEPARATOR + rest;
        String count = next.get(row);
        if (count == null) {
            return null;
        }
        if (count.equals("1")) {
            next.remove(row);
        } else {
            next.put(row, String.valueOf(Integer.parseInt(count) - 1));
        }
        return new TableRows(false, next);
    }

    /** With a keyed row's other columns replaced. */
    public TableRows update(String id, String rest) {
        if (!rows.containsKey(id)) {
            return null;
        }
        Map<String, String> next = new TreeMap<>(rows);
        next.put(id, rest);
        return new TableRows(true, next);
    }
}
