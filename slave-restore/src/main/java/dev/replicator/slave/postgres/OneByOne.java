package dev.replicator.slave.postgres;

import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.queue.Unchanged;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Applies single changes as they come. A row is found by its key, or, without one, as exactly one of the rows whose
 * whole image is the old one (rule R22). Each method returns the number of rows it found; deciding about a surprise is
 * the caller's.
 */
final class OneByOne {
    private final Statements statements;
    private final boolean replicaRole;

    OneByOne(Statements statements, boolean replicaRole) {
        this.statements = statements;
        this.replicaRole = replicaRole;
    }

    int insert(TableBinding binding, Object[] image) throws SQLException {
        List<TargetColumn> columns = new ArrayList<>();
        List<Object> values = new ArrayList<>();
        for (int i : binding.written()) {
            columns.add(binding.column(i));
            values.add(image[i]);
        }
        return insert(binding, columns, values);
    }

    private int insert(TableBinding binding, List<TargetColumn> columns, List<Object> values) throws SQLException {
        Sql sql = new Sql().add("INSERT INTO ").add(binding.table().quoted());
        sql.add(" (").add(Sql.columns(columns)).add(") OVERRIDING SYSTEM VALUE VALUES (");
        for (int i = 0; i < columns.size(); i++) {
            sql.add(i == 0 ? "" : ", ").value(values.get(i), columns.get(i).castType());
        }
        return statements.update(sql.add(")"));
    }

    int delete(TableBinding binding, RowChange change) throws SQLException, TableException {
        Object[] old = oldRow(binding, change);
        return statements.update(where(binding, old, from(binding, old, "DELETE FROM ", " USING hit")));
    }

    int update(TableBinding binding, RowChange change) throws SQLException, TableException {
        Object[] old = oldRow(binding, change);
        Object[] image = newRow(change);
        if (mustSplit(binding, change, old, image)) {
            return split(binding, old, image);
        }
        List<Integer> columns = changedColumns(binding, old, image);
        if (columns.isEmpty()) {
            Sql sql = where(binding, old, from(binding, old, "SELECT count(*) FROM ", " CROSS JOIN hit"));
            return Integer.parseInt(statements.rows(sql).get(0)[0]);
        }
        Sql sql = from(binding, old, "UPDATE ", " SET ");
        if (binding.keyed()) {
            sql.add(" SET ");
        }
        set(binding, columns, image, sql);
        sql.add(binding.keyed() ? "" : " FROM hit");
        return statements.update(where(binding, old, sql));
    }

    /**
     * Overwrites the row that stands where this one should be inserted.
     *
     * @param image whole row
     * @return rows found by the target's primary key, or by the locator where the stream lacks a part of it
     */
    int overwrite(TableBinding binding, Object[] image) throws SQLException {
        int[] key = primaryKey(binding);
        List<Integer> columns = new ArrayList<>();
        for (int i : binding.written()) {
            if (!binding.column(i).identityAlways() && IntStream.of(key).noneMatch(k -> k == i)) {
                columns.add(i);
            }
        }
        if (key.length == 0) {
            return 0;
        }
        Sql sql = new Sql();
        if (columns.isEmpty()) {
            sql.add("SELECT count(*) FROM ").add(binding.target().from()).add(" AS t WHERE ");
            return Integer.parseInt(
                    statements.rows(match(binding, key, image, sql)).get(0)[0]);
        }
        sql.add("UPDATE ").add(binding.target().from()).add(" AS t SET ");
        set(binding, columns, image, sql);
        return statements.update(match(binding, key, image, sql.add(" WHERE ")));
    }

    /** The new image with every value the old one supplies (rule R04). */
    static Object[] newRow(RowChange change) {
        Object[] image = change.after().clone();
        if (change.before() != null) {
            for (int i = 0; i < image.length; i++) {
                if (image[i] == Unchanged.UNCHANGED) {
                    image[i] = change.before()[i];
                }
            }
        }
        return image;
    }

    /** True when every value to be written is known. */
    static boolean whole(TableBinding binding, Object[] image) {
        return IntStream.of(binding.written()).noneMatch(i -> image[i] == Unchanged.UNCHANGED);
    }

    private static int[] primaryKey(TableBinding binding) {
        List<String> names = binding.target().primaryKey();
        int[] key = names.stream()
                .flatMapToInt(name -> IntStream.of(binding.written())
                        .filter(i -> binding.column(i).name().equals(name)))
                .toArray();
        return key.length > 0 && key.length == names.size() ? key : binding.locator();
    }

    private static Object[] oldRow(TableBinding binding, RowChange change) throws TableException {
        Object[] old = change.before() != null ? change.before() : change.after();
        boolean complete = binding.keyed()
                ? IntStream.of(binding.locator()).noneMatch(i -> old[i] == Unchanged.UNCHANGED)
                : change.before() != null && whole(binding, old);
        if (!complete) {
            TableName name = binding.table();
            throw new TableException(
                    name,
                    change.kind() + " of " + name + " came without the old values that name the row",
                    "Give the table a primary key or REPLICA IDENTITY FULL on the master, then resync it.");
        }
        return old;
    }

    private static List<Integer> changedColumns(TableBinding binding, Object[] old, Object[] image) {
        List<Integer> columns = new ArrayList<>();
        for (int i : binding.written()) {
            boolean keptKey = IntStream.of(binding.locator()).anyMatch(k -> k == i) && same(old[i], image[i]);
            if (image[i] != Unchanged.UNCHANGED
                    && !keptKey
                    && !binding.column(i).identityAlways()) {
                columns.add(i);
            }
        }
        return columns;
    }

    private static boolean same(Object left, Object right) {
        return left == null || right == null ? left == right : Values.text(left).equals(Values.text(right));
    }

    private static void set(TableBinding binding, List<Integer> columns, Object[] image, Sql sql) {
        String separator = "";
        for (int i : columns) {
            TargetColumn column = binding.column(i);
            sql.add(separator).add(TableName.quote(column.name())).add(" = ").value(image[i], column.castType());
            separator = ", ";
        }
    }

    /** GENERATED ALWAYS identity columns cannot be updated: when one changes, the row is deleted and inserted. */
    private boolean mustSplit(TableBinding binding, RowChange change, Object[] old, Object[] image)
            throws SQLException, TableException {
        List<Integer> unsure = new ArrayList<>();
        for (int i : binding.written()) {
            if (!binding.column(i).identityAlways() || image[i] == Unchanged.UNCHANGED) {
                continue;
            }
            boolean told = change.before() != null && change.before()[i] != Unchanged.UNCHANGED;
            if (told && !same(old[i], image[i])) {
                return true;
            }
            if (!told && IntStream.of(binding.locator()).noneMatch(k -> k == i)) {
                unsure.add(i);
            }
        }
        if (unsure.isEmpty()) {
            return false;
        }
        Sql sql = from(binding, old, "SELECT 1 FROM ", " CROSS JOIN hit");
        where(binding, old, sql).add(" AND (false");
        for (int i : unsure) {
            sql.add(" OR ").add(Sql.of("t", binding.column(i))).add(" IS DISTINCT FROM ");
            sql.value(image[i], binding.column(i).castType());
        }
        return !statements.rows(sql.add(")")).isEmpty();
    }

    private int split(TableBinding binding, Object[] old, Object[] image) throws SQLException, TableException {
        if (binding.splitActs(replicaRole)) {
            throw new TableException(
                    binding.table(),
                    "An update of " + binding.table() + " changes a GENERATED ALWAYS identity column, and foreign keys"
                            + " that act on other tables are live in the session, so the row cannot be replaced",
                    "Let the role set session_replication_role, or make the column GENERATED BY DEFAULT; then resume.");
        }
        List<TargetColumn> kept = new ArrayList<>();
        List<TargetColumn> columns = new ArrayList<>();
        List<Object> values = new ArrayList<>();
        for (int i : binding.written()) {
            if (image[i] == Unchanged.UNCHANGED) {
                kept.add(binding.column(i));
            } else {
                columns.add(binding.column(i));
                values.add(image[i]);
            }
        }
        kept.addAll(binding.targetOnly());
        Sql sql = where(binding, old, from(binding, old, "DELETE FROM ", " USING hit"))
                .add(" RETURNING 1");
        kept.forEach(column -> sql.add(", ").add(Sql.of("t", column)));
        List<String[]> stored = statements.rows(sql);
        if (stored.size() == 1) {
            columns.addAll(kept);
            values.addAll(Arrays.asList(stored.get(0)).subList(1, kept.size() + 1));
            return insert(binding, columns, values);
        }
        return stored.size();
    }

    /** Begins a statement on the target aliased t; without a key joined to one row whose image is the old one. */
    private static Sql from(TableBinding binding, Object[] old, String verb, String joinHit) {
        Sql sql = new Sql();
        String table = binding.target().from();
        if (binding.keyed()) {
            return sql.add(verb).add(table).add(" AS t");
        }
        sql.add("WITH hit AS MATERIALIZED (SELECT s.tableoid AS o, s.ctid AS c FROM ")
                .add(table)
                .add(" AS s WHERE ");
        // An index narrows the search: rows with the same image have equal values too.
        IntStream.of(binding.written())
                .filter(i -> old[i] != null
                        && binding.target()
                                .indexedColumns()
                                .contains(binding.column(i).name()))
                .findFirst()
                .ifPresent(i -> equal("s", binding.column(i), old[i], sql).add(" AND "));
        int[] compared = binding.written();
        sql.add("ROW(");
        for (int i = 0; i < compared.length; i++) {
            sql.add(i == 0 ? "" : ", ").add(Sql.of("s", binding.column(compared[i])));
        }
        // The casts keep PostgreSQL from comparing column by column, for which *= does not exist.
        sql.add(")::record *= ROW(");
        for (int i = 0; i < compared.length; i++) {
            sql.add(i == 0 ? "" : ", ")
                    .value(old[compared[i]], binding.column(compared[i]).type());
        }
        return sql.add(")::record LIMIT 1) ").add(verb).add(table).add(" AS t").add(joinHit);
    }

    private static Sql where(TableBinding binding, Object[] old, Sql sql) {
        sql.add(" WHERE ");
        return binding.keyed()
                ? match(binding, binding.locator(), old, sql)
                : sql.add("t.ctid = hit.c AND t.tableoid = hit.o");
    }

    private static Sql match(TableBinding binding, int[] key, Object[] image, Sql sql) {
        for (int i = 0; i < key.length; i++) {
            equal("t", binding.column(key[i]), image[key[i]], sql.add(i == 0 ? "" : " AND "));
        }
        return sql;
    }

    private static Sql equal(String alias, TargetColumn column, Object value, Sql sql) {
        return sql.add(Sql.of(alias, column))
                .add(" " + column.equalsOperator() + " ")
                .value(value, column.castType());
    }
}
