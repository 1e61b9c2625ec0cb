package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Under session_replication_role = replica PostgreSQL does not check deferrable unique and exclusion constraints at all
 * (rule R18). This checks them for the rows a transaction wrote: it asks, per written row, whether another row collides
 * with it. Between pieces of a transaction only the colliding rows are remembered, since a deferred constraint may be
 * violated until commit.
 */
final class DuplicateCheck {
    private final Statements statements;
    private final Map<TableBinding, List<Object[]>> touched = new LinkedHashMap<>();

    DuplicateCheck(Statements statements) {
        this.statements = statements;
    }

    /** Notes a row that was inserted, or updated in a column of a key, by its new image. */
    void touched(TableBinding binding, Object[] image) {
        if (binding.target().keys().stream().anyMatch(TargetKey::deferrable)) {
            List<Object[]> keys = touched.computeIfAbsent(binding, table -> new ArrayList<>());
            if (binding.keyed() || keys.isEmpty()) {
                keys.add(IntStream.of(binding.locator()).mapToObj(i -> image[i]).toArray());
            }
        }
    }

    /** Checks what was noted; rows that collide stay noted. */
    void check() throws SQLException {
        Map<TableBinding, List<Object[]>> colliding = new LinkedHashMap<>();
        for (Map.Entry<TableBinding, List<Object[]>> entry : touched.entrySet()) {
            List<Object[]> keys = collisions(entry.getKey(), entry.getValue());
            if (!keys.isEmpty()) {
                colliding.put(entry.getKey(), keys);
            }
        }
        touched.clear();
        touched.putAll(colliding);
    }

    /** The last check of a transaction: tables with rows that collide. Begins anew. */
    Set<TableName> finish() throws SQLException {
        check();
        Set<TableName> tables =
                touched.keySet().stream().map(TableBinding::table).collect(Collectors.toCollection(TreeSet::new));
        touched.clear();
        return tables;
    }

    void reset() {
        touched.clear();
    }

    private List<Object[]> collisions(TableBinding binding, List<Object[]> keys) throws SQLException {
        Set<Integer> found = new HashSet<>();
        for (TargetKey key : binding.target().keys()) {
            if (key.deferrable()) {
                for (String[] row : statements.rows(query(binding, key, keys))) {
                    found.add(Integer.parseInt(row[0]) - 1);
                }
            }
        }
        return found.stream().map(keys::get).collect(Collectors.toCollection(ArrayList::new));
    }

    /** Without a locator the whole table is read: nothing else names the written rows. */
    private static Sql query(TableBinding binding, TargetKey key, List<Object[]> keys) {
        int[] locator = binding.locator();
        Sql sql = new Sql();
        if (locator.length == 0) {
            sql.add("SELECT 1 FROM ").add(side(binding, key)).add(" AS a");
        } else {
            sql.add("SELECT DISTINCT u.n FROM unnest(");
            for (int i = 0; i < locator.length; i++) {
                int part = i;
                sql.add(i == 0 ? "" : ", ").array(BinaryArray.texts(keys.size(), n -> keys.get(n)[part]));
            }
            sql.add(") WITH ORDINALITY AS u(")
                    .add(IntStream.range(0, locator.length)
                            .mapToObj(i -> "k" + i)
                            .collect(Collectors.joining(", ")))
                    .add(", n) JOIN ")
                    .add(side(binding, key))
                    .add(" AS a ON ");
            for (int i = 0; i < locator.length; i++) {
                TargetColumn column = binding.column(locator[i]);
                sql.add(i == 0 ? "" : " AND ").add("a.k" + i + " " + column.equalsOperator() + " u.k" + i);
                sql.add("::" + column.castType());
            }
        }
        sql.add(" JOIN ").add(side(binding, key)).add(" AS b ON (a.o, a.c) <> (b.o, b.c)");
        for (int i = 0; i < key.elements().size(); i++) {
            String equal = "b.e" + i + " " + key.operators().get(i) + " a.e" + i;
            sql.add(" AND ")
                    .add(
                            key.nullsNotDistinct()
                                    ? "(" + equal + " OR b.e" + i + " IS NULL AND a.e" + i + " IS NULL)"
                                    : equal);
        }
        return locator.length == 0 ? sql.add(" LIMIT 1") : sql;
    }

    /** The table with its row address, key columns and key elements; the predicate of a partial index applied. */
    private static String side(TableBinding binding, TargetKey key) {
        StringBuilder side = new StringBuilder("(SELECT x.tableoid AS o, x.ctid AS c");
        int[] locator = binding.locator();
        for (int i = 0; i < locator.length; i++) {
            side.append(", ")
                    .append(Sql.of("x", binding.column(locator[i])))
                    .append(" AS k")
                    .append(i);
        }
        for (int i = 0; i < key.elements().size(); i++) {
            side.append(", (").append(key.elements().get(i)).append(") AS e").append(i);
        }
        side.append(" FROM ").append(binding.target().from()).append(" AS x");
        if (key.predicate() != null) {
            side.append(" WHERE ").append(key.predicate());
        }
        return side.append(')').toString();
    }
}
