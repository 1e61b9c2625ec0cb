package dev.replicator.simulation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A table of the slave's own schema in a {@link MemoryDatabase}. Rows are never written to, only replaced. */
final class Relation {
    final String name;
    final List<String> columns = new ArrayList<>();
    final Map<String, Integer> indexes = new HashMap<>();
    final List<Object> defaults = new ArrayList<>();
    final List<Integer> key = new ArrayList<>();
    List<Object[]> rows = new ArrayList<>();

    Relation(String name) {
        this.name = name;
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

    Relation copy() {
        Relation copy = new Relation(name);
        copy.columns.addAll(columns);
        copy.indexes.putAll(indexes);
        copy.defaults.addAll(defaults);
        copy.key.addAll(key);
        copy.rows = new ArrayList<>(rows);
        return copy;
    }

    boolean hasKeyOf(Object[] row) {
        return !key.isEmpty()
                && rows.stream().anyMatch(other -> key.stream().allMatch(i -> SqlValues.equal(other[i], row[i])));
    }
}
