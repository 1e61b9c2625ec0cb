package dev.replicator.simulation;

import dev.replicator.simulation.SqlExpression.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A statement on the slave's own schema, read once for all histories. */
interface SqlStatement {
    Map<String, SqlStatement> READ = new ConcurrentHashMap<>();

    /** What a statement gave. */
    record Result(List<Object[]> rows, int changed) {}

    Result run(MemoryDatabase database, Object[] arguments);

    static SqlStatement of(String sql) {
        if (sql.indexOf('"') >= 0) {
            // Names of copies are ever new ones.
            return (database, arguments) -> RowStatements.run(database, sql, arguments);
        }
        SqlStatement known = READ.get(sql);
        if (known == null) {
            known = RowStatements.isOfRows(sql)
                    ? (database, arguments) -> RowStatements.run(database, sql, arguments)
                    : read(sql);
            READ.put(sql, known);
        }
        return known;
    }

    private static SqlStatement read(String sql) {
        SqlTokens in = new SqlTokens(sql);
        int[] parameters = {0};
        String verb = in.take().toUpperCase(java.util.Locale.ROOT);
        try {
            return switch (verb) {
                case "SELECT" -> select(in, parameters);
                case "UPDATE" -> update(in, parameters);
                case "INSERT" -> insert(in, parameters);
                case "DELETE" -> delete(in, parameters);
                case "SHOW" -> show(in.take());
                default -> throw new IllegalStateException("unknown verb");
            };
        } catch (RuntimeException e) {
            throw new IllegalStateException("the model's database does not know: " + sql, e);
        }
    }

    private static SqlStatement show(String setting) {
        if (!setting.equals("session_replication_role")) {
            throw new IllegalStateException("unknown setting");
        }
        return (database, arguments) -> new Result(List.<Object[]>of(new Object[] {"replica"}), 0);
    }

    private static List<SqlExpression> list(SqlTokens in, int[] parameters) {
        List<SqlExpression> list = new ArrayList<>();
        do {
            list.add(SqlExpression.parse(in, parameters));
            if (in.skip("AS")) {
                in.take();
            }
        } while (in.skip(","));
        return list;
    }

    private static SqlStatement select(SqlTokens in, int[] parameters) {
        List<SqlExpression> columns = list(in, parameters);
        String table = in.skip("FROM") ? in.take() : null;
        SqlExpression where = in.skip("WHERE") ? SqlExpression.parse(in, parameters) : scope -> Boolean.TRUE;
        if (in.skip("UNION")) {
            in.expect("ALL");
            in.expect("SELECT");
            SqlStatement rest = select(in, parameters);
            return (database, arguments) -> {
                List<Object[]> rows = new ArrayList<>(rows(database, table, columns, where, arguments));
                rows.addAll(rest.run(database, arguments).rows());
                return new Result(rows, 0);
            };
        }
        // Locking, order and limit make no difference here: one transaction at a time, few rows.
        return (database, arguments) -> new Result(rows(database, table, columns, where, arguments), 0);
    }

    private static List<Object[]> rows(
            MemoryDatabase database,
            String table,
            List<SqlExpression> columns,
            SqlExpression where,
            Object[] arguments) {
        List<Object[]> rows = new ArrayList<>();
        if (table == null) {
            rows.add(values(columns, new Scope(database, null, null, null, arguments, null)));
            return rows;
        }
        Relation relation = database.relation(table);
        for (Object[] row : relation.rows) {
            Scope scope = new Scope(database, relation, table, row, arguments, null);
            if (SqlExpression.isTrue(where, scope)) {
                rows.add(values(columns, scope));
            }
        }
        return rows;
    }

    private static Object[] values(List<SqlExpression> expressions, Scope scope) {
        Object[] values = new Object[expressions.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = expressions.get(i).value(scope);
        }
        return values;
    }

    private static SqlStatement update(SqlTokens in, int[] parameters) {
        String table = in.take();
        in.expect("SET");
        List<String> columns = new ArrayList<>();
        List<SqlExpression> expressions = new ArrayList<>();
        do {
            columns.add(in.take());
            in.expect("=");
            expressions.add(SqlExpression.parse(in, parameters));
        } while (in.skip(","));
        SqlExpression where = in.skip("WHERE") ? SqlExpression.parse(in, parameters) : scope -> Boolean.TRUE;
        List<SqlExpression> returning = in.skip("RETURNING") ? list(in, parameters) : List.of();
        return (database, arguments) -> {
            Relation relation = database.relation(table);
            List<Object[]> returned = new ArrayList<>();
            int changed = 0;
            for (int i = 0; i < relation.rows.size(); i++) {
                Object[] row = relation.rows.get(i);
                Scope scope = new Scope(database, relation, table, row, arguments, null);
                if (!SqlExpression.isTrue(where, scope)) {
                    continue;
                }
                Object[] next = row.clone();
                for (int c = 0; c < columns.size(); c++) {
                    next[relation.index(columns.get(c))] = expressions.get(c).value(scope);
                }
                database.writable(relation).set(i, next);
                changed++;
                returned.add(values(returning, new Scope(database, relation, table, next, arguments, null)));
            }
            return new Result(returned, changed);
        };
    }

    private static SqlStatement insert(SqlTokens in, int[] parameters) {
        in.expect("INTO");
        String table = in.take();
        in.expect("(");
        List<String> columns = new ArrayList<>();
        do {
            columns.add(in.take());
        } while (in.skip(","));
        in.expect(")");
        if (in.skip("SELECT")) {
            SqlStatement source = select(in, parameters);
            return (database, arguments) -> {
                int inserted = 0;
                for (Object[] values : source.run(database, arguments).rows()) {
                    inserted += insert(database, table, columns, values, false);
                }
                return new Result(List.of(), inserted);
            };
        }
        in.expect("VALUES");
        in.expect("(");
        List<SqlExpression> expressions = list(in, parameters);
        in.expect(")");
        boolean quiet = in.skip("ON");
        return (database, arguments) -> {
            Object[] values = values(expressions, new Scope(database, null, null, null, arguments, null));
            return new Result(List.of(), insert(database, table, columns, values, quiet));
        };
    }

    private static int insert(
            MemoryDatabase database, String table, List<String> columns, Object[] values, boolean quiet) {
        Relation relation = database.relation(table);
        Object[] row = relation.defaults.toArray();
        for (int c = 0; c < columns.size(); c++) {
            row[relation.index(columns.get(c))] = values[c];
        }
        if (relation.hasKeyOf(row)) {
            if (quiet) {
                return 0;
            }
            throw new MemoryDatabase.Violation("23505", "duplicate key in " + table);
        }
        database.writable(relation).add(row);
        return 1;
    }

    private static SqlStatement delete(SqlTokens in, int[] parameters) {
        in.expect("FROM");
        String table = in.take();
        String alias = in.isOver() || in.is("WHERE") ? table : in.take();
        SqlExpression where = in.skip("WHERE") ? SqlExpression.parse(in, parameters) : scope -> Boolean.TRUE;
        return (database, arguments) -> {
            Relation relation = database.relation(table);
            List<Object[]> gone = new ArrayList<>();
            for (Object[] row : relation.rows) {
                if (SqlExpression.isTrue(where, new Scope(database, relation, alias, row, arguments, null))) {
                    gone.add(row);
                }
            }
            if (!gone.isEmpty()) {
                database.writable(relation).removeAll(gone);
                gone.forEach(row -> database.cascade(relation, row));
            }
            return new Result(List.of(), gone.size());
        };
    }
}
