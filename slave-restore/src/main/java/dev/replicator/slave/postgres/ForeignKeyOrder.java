package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Orders tables so that every referenced table comes before the tables that reference it, as far as cycles allow. */
final class ForeignKeyOrder {
    private final Map<TableName, Integer> rank;
    private final Set<TableName> cyclic;

    private ForeignKeyOrder(Map<TableName, Integer> rank, Set<TableName> cyclic) {
        this.rank = rank;
        this.cyclic = cyclic;
    }

    static ForeignKeyOrder of(Collection<TargetTable> tables, boolean replicaRole) {
        Map<TableName, TargetTable> left = new TreeMap<>();
        tables.forEach(table -> left.put(table.name(), table));
        Map<TableName, Set<TableName>> parents = new HashMap<>();
        Map<TableName, Set<TableName>> binding = new HashMap<>();
        left.forEach((name, table) -> {
            parents.put(name, parents(table, left.keySet(), replicaRole, false));
            binding.put(name, parents(table, left.keySet(), replicaRole, true));
        });
        Map<TableName, Integer> rank = new LinkedHashMap<>();
        List<TableName> waiting = new ArrayList<>(left.keySet());
        while (!waiting.isEmpty()) {
            List<TableName> free = waiting.stream()
                    .filter(name -> rank.keySet().containsAll(parents.get(name)))
                    .toList();
            // A cycle: any member may go first, constraints of it are deferred, off, or met row by row.
            List<TableName> next = free.isEmpty() ? List.of(waiting.get(0)) : free;
            next.forEach(name -> rank.put(name, rank.size()));
            waiting.removeAll(next);
        }
        Set<TableName> cyclic = new HashSet<>();
        left.keySet().stream().filter(name -> reachesItself(name, binding)).forEach(cyclic::add);
        return new ForeignKeyOrder(rank, cyclic);
    }

    private static Set<TableName> parents(
            TargetTable table, Set<TableName> among, boolean replicaRole, boolean checkedAtOnce) {
        Set<TableName> parents = new HashSet<>();
        for (TargetForeignKey key : table.references()) {
            boolean counts = !checkedAtOnce || (key.fires(replicaRole) && !key.deferrable());
            if (counts && !key.parent().equals(table.name()) && among.contains(key.parent())) {
                parents.add(key.parent());
            }
        }
        return parents;
    }

    private static boolean reachesItself(TableName start, Map<TableName, Set<TableName>> parents) {
        Set<TableName> seen = new HashSet<>();
        List<TableName> open = new ArrayList<>(parents.get(start));
        while (!open.isEmpty()) {
            TableName name = open.remove(open.size() - 1);
            if (name.equals(start)) {
                return true;
            }
            if (seen.add(name)) {
                open.addAll(parents.get(name));
            }
        }
        return false;
    }

    /** Position from parents to children. */
    int rank(TableName table) {
        return rank.getOrDefault(table, 0);
    }

    /** Tables in a cycle of foreign keys that this session checks at once: no order of phases satisfies them. */
    Set<TableName> cyclic() {
        return Set.copyOf(cyclic);
    }
}
