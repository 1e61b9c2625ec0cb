package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Empties tables as the master did (rule R19): just the named tables, never CASCADE. Tables truncated one after the
 * other are emptied together, so that foreign keys among them do not forbid TRUNCATE; where a table outside references
 * one of them, that one is emptied by DELETE.
 */
final class Truncation {
    private final Map<TableName, TargetTable> pending = new LinkedHashMap<>();
    private final Statements statements;
    private final boolean replicaRole;

    Truncation(Statements statements, boolean replicaRole) {
        this.statements = statements;
        this.replicaRole = replicaRole;
    }

    void add(TargetTable table) {
        pending.put(table.name(), table);
    }

    boolean isPending() {
        return !pending.isEmpty();
    }

    void reset() {
        pending.clear();
    }

    Set<TableName> tables() {
        return Set.copyOf(pending.keySet());
    }

    /** Empties what was added, and begins anew. */
    void run() throws SQLException {
        if (pending.isEmpty()) {
            return;
        }
        Map<TableName, TargetTable> whole = new LinkedHashMap<>(pending);
        while (whole.values().removeIf(table -> table.referencedBy().stream()
                .anyMatch(key -> !key.child().equals(table.name()) && !whole.containsKey(key.child())))) {
            // a table that left may have referenced another one: ask again until nothing changes
        }
        truncate(whole.values());
        List<TargetTable> others = new ArrayList<>(pending.values());
        others.removeAll(whole.values());
        ForeignKeyOrder order = ForeignKeyOrder.of(others, replicaRole);
        others.sort(Comparator.comparingInt(table -> -order.rank(table.name())));
        for (TargetTable table : others) {
            statements.execute("DELETE FROM " + table.from());
        }
        pending.clear();
    }

    /** PostgreSQL truncates no table with checks of deferred constraints to come: those are due before. */
    private void truncate(Collection<TargetTable> tables) throws SQLException {
        if (tables.isEmpty()) {
            return;
        }
        String due = deferrable(tables);
        if (!due.isEmpty()) {
            statements.execute("SET CONSTRAINTS " + due + " IMMEDIATE");
        }
        statements.execute("TRUNCATE " + tables.stream().map(TargetTable::from).collect(Collectors.joining(", ")));
        if (!due.isEmpty()) {
            statements.execute("SET CONSTRAINTS " + due + " DEFERRED");
        }
    }

    private String deferrable(Collection<TargetTable> tables) throws SQLException {
        List<String> oids = tables.stream()
                .filter(TargetTable::hasDeferrable)
                .map(table -> Long.toString(table.oid()))
                .toList();
        if (oids.isEmpty()) {
            return "";
        }
        Sql sql = new Sql()
                .add("WITH t AS (SELECT id::oid FROM unnest(")
                .array(BinaryArray.texts(oids.size(), oids::get))
                .add(") AS id), tree AS (SELECT id FROM t UNION SELECT relid FROM t, pg_partition_tree(t.id))")
                .add(" SELECT DISTINCT format('%I.%I', n.nspname, x.conname)")
                .add(" FROM pg_constraint x JOIN pg_namespace n ON n.oid = x.connamespace WHERE x.condeferrable")
                .add(" AND (x.conrelid IN (SELECT id FROM tree) OR x.confrelid IN (SELECT id FROM tree))");
        return statements.rows(sql).stream().map(row -> row[0]).collect(Collectors.joining(", "));
    }
}
