package dev.replicator.simulation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A table of the slave's own schema in a {@link MemoryDatabase}. Rows are never written to, only replaced. */
final class Relation {
    final String name;
    final List<String> columns;
    final Map<String, Integer> indexes;
    final List<Object> defaults;
    final List<Integer> key;
    List<Object[]> rows = new ArrayList<>();

    Relation(String name) {
        this(name, new ArrayList<>(), new HashMap<>(), new ArrayList<>(), new ArrayList<>());
    }

    private Relation(
            String name, List<String> columns, Map<String, Integer> indexes, List<Object> defaults, List<Integer> key) {
        this.name = name;
        this.columns = columns;
        this.indexes = indexes;
        this.defaults = defaults;
        this.key = key;
    }

    void column(String column, Object defaultValue) {
        indexes.put(column, columns.size());
        columns.add(column);
        defaults.add(defaultValue);
    }

    int index(String column) {
        Integer index = indexes.get(column);
        if (index == null) {
            throw new IllegalStateException("no column " + column + " in " + name);
        }
        return index;
    }

    /** The same rows in a table of the same shape, which no longer changes. */
    Relation copy() {
        Relation copy = new Relation(name, columns, indexes, defaults, key);
        copy.rows = new ArrayList<>(rows);
        return copy;
    }

    boolean hasKeyOf(Object[] row) {
        for (Object[] other : rows) {
            if (!key.isEmpty() && hasKeyOf(other, row)) {
                return true;
            }
        }
        return false;
    }

    private boolean hasKeyOf(Object[] one, Object[] other) {
        for (int i : key) {
            if (!SqlValues.equal(one[i], other[i])) {
                return false;
            }
        }
        return true;
    }
}
