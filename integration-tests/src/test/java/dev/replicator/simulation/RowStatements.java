package dev.replicator.simulation;

import dev.replicator.queue.TableName;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Statements that make, compare, rewrite and move whole tables, and those that ask the server's catalogue about them. They
 * are known by their shape; every table of the model has a column {@code id} and others.
 */
final class RowStatements {
    private static final Pattern NAME = Pattern.compile("\"([^\"]+)\"\\.\"([^\"]+)\"");
    private static final Pattern CREATED = Pattern.compile(
            "CREATE TABLE(?: IF NOT EXISTS)? (replicator\\.\\w+) \\((.*?)\\)(?: WITH \\([^)]*\\))?;", Pattern.DOTALL);
    private static final Pattern ADDED = Pattern.compile("ALTER TABLE (replicator\\.\\w+) ADD COLUMN (\\w+) ([^;]*);");
    private static final SqlStatement.Result NOTHING = new SqlStatement.Result(List.of(), 0);
    private static final String[] NONE = {};

    private RowStatements() {}

    static boolean isOfRows(String sql) {
        return sql.startsWith("SET ")
                || sql.startsWith("CREATE ")
                || sql.startsWith("ALTER ")
                || sql.contains("pg_class")
                || sql.contains("pg_namespace")
                || sql.contains("pg_attr")
                || sql.contains("pg_trigger")
                || sql.contains("pg_catalog");
    }

    static SqlStatement.Result run(MemoryDatabase database, String sql, Object[] arguments) {
        if (sql.startsWith("SET ")) {
            if (sql.contains("synchronous_commit = local")) {
                database.waitForDisk();
            }
            return NOTHING;
        }
        if (sql.equals("SELECT 1 FROM pg_namespace WHERE nspname = ?")) {
            return one(1L);
        }
        if (sql.contains("pg_c") || sql.contains("pg_attr") || sql.contains("pg_trigger")) {
            if (sql.startsWith("SELECT") || sql.startsWith("\n")) {
                return catalogue(database, sql, arguments);
            }
        }
        if (sql.startsWith("CREATE SCHEMA") && !sql.contains("CREATE TABLE") || sql.startsWith("ANALYZE")) {
            return NOTHING;
        }
        List<TableName> names = names(sql);
        Matcher added = ADDED.matcher(sql);
        if (added.find()) {
            do {
                database.relation(added.group(1)).column(added.group(2), defaultOf(added.group(3)));
            } while (added.find());
            return NOTHING;
        }
        if (sql.contains("CREATE TABLE replicator.") || sql.contains("CREATE TABLE IF NOT EXISTS replicator.")) {
            createState(database, sql);
            return NOTHING;
        }
        if (sql.startsWith("DROP TABLE IF EXISTS")) {
            database.put(names.get(0), null);
            return NOTHING;
        }
        if (sql.startsWith("CREATE TABLE")) {
            database.put(names.get(0), TableRows.empty(true));
            return NOTHING;
        }
        if (sql.startsWith("ALTER TABLE") && sql.contains(" RESET (")) {
            // How a table is stored makes no difference to its rows.
            return NOTHING;
        }
        if (sql.startsWith("ALTER TABLE")) {
            return alter(database, sql, names.get(0));
        }
        return rewrite(database, sql, names, arguments);
    }

    private static List<TableName> names(String sql) {
        List<TableName> names = new ArrayList<>();
        Matcher matcher = NAME.matcher(sql);
        while (matcher.find()) {
            names.add(new TableName(matcher.group(1), matcher.group(2)));
        }
        return names;
    }

    private static SqlStatement.Result alter(MemoryDatabase database, String sql, TableName table) {
        Matcher schema = Pattern.compile("SET SCHEMA \"([^\"]+)\"").matcher(sql);
        Matcher name = Pattern.compile("RENAME TO \"([^\"]+)\"").matcher(sql);
        TableName to;
        if (schema.find()) {
            to = new TableName(schema.group(1), table.table());
        } else if (name.find()) {
            to = new TableName(table.schema(), name.group(1));
        } else {
            throw new IllegalStateException("the model's database does not know: " + sql);
        }
        if (database.table(to) != null) {
            throw new MemoryDatabase.Violation("42P07", to + " exists");
        }
        TableRows rows = existing(database, table);
        database.put(table, null);
        database.put(to, rows);
        return NOTHING;
    }

    private static SqlStatement.Result rewrite(
            MemoryDatabase database, String sql, List<TableName> names, Object[] arguments) {
        TableName first = names.get(0);
        if (sql.startsWith("INSERT INTO") && sql.contains("FULL JOIN")) {
            return listed(database, first, existing(database, names.get(1)), existing(database, names.get(2)));
        }
        if (sql.startsWith("INSERT INTO") && sql.contains("VALUES (?)")) {
            return listed(database, first, List.of(String.valueOf(arguments[0])));
        }
        TableRows rows = existing(database, first);
        boolean byKey = names.size() > 2 || sql.contains("SELECT DISTINCT");
        if (sql.startsWith("DELETE FROM") && !byKey) {
            database.put(first, TableRows.empty(rows.keyed()));
            return NOTHING;
        }
        if (sql.startsWith("INSERT INTO") && !byKey) {
            database.put(
                    first,
                    new TableRows(rows.keyed(), existing(database, names.get(1)).rows()));
            return NOTHING;
        }
        boolean deletes = sql.startsWith("DELETE FROM");
        TableRows keys = existing(database, names.get(deletes ? 1 : 2));
        TableRows copy = existing(database, names.get(deletes ? 2 : 1));
        for (String key : keys.rows().keySet()) {
            String rest = copy.rest(key);
            TableRows next = deletes
                    ? rest == null ? rows.delete(key, "") : null
                    : rest == null ? null : sql.startsWith("UPDATE") ? rows.update(key, rest) : rows.insert(key, rest);
            rows = next == null ? rows : next;
        }
        database.put(first, rows);
        return NOTHING;
    }

    private static SqlStatement.Result listed(
            MemoryDatabase database, TableName list, TableRows table, TableRows copy) {
        TreeSet<String> keys = new TreeSet<>(table.rows().keySet());
        keys.addAll(copy.rows().keySet());
        keys.removeIf(key -> table.rows().containsKey(key)
                && table.rows().get(key).equals(copy.rows().get(key)));
        return listed(database, list, new ArrayList<>(keys));
    }

    private static SqlStatement.Result listed(MemoryDatabase database, TableName list, List<String> keys) {
        TableRows rows = existing(database, list);
        for (String key : keys) {
            TableRows next = rows.insert(key, "");
            rows = next == null ? rows : next;
        }
        database.put(list, rows);
        return new SqlStatement.Result(List.of(), keys.size());
    }

    private static TableRows existing(MemoryDatabase database, TableName table) {
        TableRows rows = database.table(table);
        if (rows == null) {
            throw new MemoryDatabase.Violation("42P01", "relation " + table + " does not exist");
        }
        return rows;
    }

    /** What {@code TargetCatalog} and {@code TableBuilder} ask. A table's oid is its name's hash: one is looked at at a time. */
    private static SqlStatement.Result catalogue(MemoryDatabase database, String sql, Object[] arguments) {
        if (sql.contains("n.nspname = ?")) {
            TableName name = new TableName(String.valueOf(arguments[0]), String.valueOf(arguments[1]));
            TableRows rows = database.table(name);
            if (rows == null) {
                return NOTHING;
            }
            return one((rows.keyed() ? 1L : 2L), false, false, NONE);
        }
        boolean keyed = arguments[0] instanceof Number oid && oid.longValue() == 1;
        if (sql.contains("a.attnotnull")) {
            List<Object[]> columns = new ArrayList<>();
            for (String column : List.of("id", "v", "big")) {
                columns.add(new Object[] {column, "text", "text", column.equals("id"), false, false, "="});
            }
            return new SqlStatement.Result(columns, 0);
        }
        if (sql.contains("i.indisprimary")) {
            String[] id = {"id"};
            return keyed ? one("key", true, false, false, null, true, id, new String[] {"="}, id, id) : NOTHING;
        }
        return NOTHING;
    }

    private static SqlStatement.Result one(Object... row) {
        return new SqlStatement.Result(List.<Object[]>of(row), 0);
    }

    /** The slave's own schema, as {@code StateSchema} writes it. */
    private static void createState(MemoryDatabase database, String sql) {
        Matcher matcher = CREATED.matcher(sql);
        while (matcher.find()) {
            Relation relation = new Relation(matcher.group(1));
            for (String part : parts(matcher.group(2))) {
                if (part.startsWith("PRIMARY KEY")) {
                    for (String column : part.substring(part.indexOf('(') + 1, part.indexOf(')'))
                            .split(",")) {
                        relation.key.add(relation.index(column.strip()));
                    }
                } else {
                    String column = part.split(" ", 2)[0];
                    relation.column(column, defaultOf(part));
                    if (part.contains("PRIMARY KEY") && !part.contains("GENERATED")) {
                        relation.key.add(relation.index(column));
                    }
                }
            }
            database.create(relation);
        }
    }

    private static List<String> parts(String text) {
        List<String> parts = new ArrayList<>();
        int depth = 0;
        int from = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            depth += c == '(' ? 1 : c == ')' ? -1 : 0;
            if (c == ',' && depth == 0) {
                parts.add(text.substring(from, i).strip());
                from = i + 1;
            }
        }
        parts.add(text.substring(from).strip());
        return parts;
    }

    private static Object defaultOf(String column) {
        Matcher matcher = Pattern.compile("DEFAULT (\\S+)").matcher(column);
        if (!matcher.find()) {
            return null;
        }
        String text = matcher.group(1);
        Map<String, Object> known = Map.of("true", true, "false", false, "now()", 0L);
        if (known.containsKey(text)) {
            return known.get(text);
        }
        return text.startsWith("'") ? text.replace("'", "") : Long.valueOf(text);
    }
}
