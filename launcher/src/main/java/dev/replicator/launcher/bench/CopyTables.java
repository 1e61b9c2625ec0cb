package dev.replicator.launcher.bench;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What {@code bench initial-sync} copies: three tables, most rows in one, each with three secondary indexes. */
final class CopyTables {
    /** A small table of the master that is copied first, unmeasured. */
    static final String WARM_UP = "public.warm_up";

    private static final int WARM_UP_ROWS = 300_000;

    private static final Map<String, Integer> SHARES = shares();

    private final long rows;

    /** @param rows of all tables together */
    CopyTables(long rows) {
        if (rows < 100) {
            throw new IllegalArgumentException("at least 100 rows are needed, not " + rows);
        }
        this.rows = rows;
    }

    /** Rows of each table in hundredths. */
    private static Map<String, Integer> shares() {
        Map<String, Integer> shares = new LinkedHashMap<>();
        shares.put("orders", 80);
        shares.put("customers", 15);
        shares.put("products", 5);
        return shares;
    }

    List<String> qualified() {
        return SHARES.keySet().stream().map(table -> "public." + table).toList();
    }

    /** Rows of a table; the first one has what is left over. */
    long rowsOf(String table) {
        long others = SHARES.entrySet().stream()
                .filter(entry -> !entry.getKey().equals("orders"))
                .mapToLong(entry -> rows * entry.getValue() / 100)
                .sum();
        return table.equals("orders") ? rows - others : rows * SHARES.get(table) / 100;
    }

    long rows() {
        return rows;
    }

    /** Tables and indexes, empty. */
    void create(BenchServer server, String database) throws SQLException {
        List<String> statements = new ArrayList<>();
        for (String table : SHARES.keySet()) {
            statements.add(table(table));
            statements.addAll(indexes(table));
        }
        server.execute(database, statements);
    }

    /** The same with their rows, and the table for warming up. */
    void load(BenchServer server, String database) throws SQLException {
        List<String> statements = new ArrayList<>();
        for (String table : SHARES.keySet()) {
            statements.add(table(table));
            statements.add("INSERT INTO " + table + " SELECT n, hashint8(n) % 50000, md5(n::text),"
                    + " timestamptz '2026-01-01 00:00:00Z' + (hashint8(n + 7) % 8000000) * interval '1 second',"
                    + " (n % 100000) / 100.0, repeat('note ', 1 + (n % 12)::int) FROM generate_series(1, "
                    + rowsOf(table) + ") n");
            statements.addAll(indexes(table));
        }
        statements.add("CREATE TABLE " + WARM_UP + " (id bigint PRIMARY KEY, note text)");
        statements.add("INSERT INTO " + WARM_UP + " SELECT n, repeat('note ', 1 + (n % 12)::int)"
                + " FROM generate_series(1, " + WARM_UP_ROWS + ") n");
        statements.add("VACUUM ANALYZE");
        server.execute(database, statements);
    }

    private static String table(String table) {
        return "CREATE TABLE " + table + " (id bigint NOT NULL, owner int NOT NULL, code text NOT NULL,"
                + " changed timestamptz NOT NULL, amount numeric(12,2) NOT NULL, note text)";
    }

    private static List<String> indexes(String table) {
        return List.of(
                "ALTER TABLE " + table + " ADD PRIMARY KEY (id)",
                "CREATE INDEX " + table + "_owner ON " + table + " (owner)",
                "CREATE INDEX " + table + "_code ON " + table + " (code)",
                "CREATE INDEX " + table + "_changed ON " + table + " (changed, owner)");
    }

    /** Rows that sequential scans have read of a database's tables so far: each copy of a table reads each row once. */
    static long rowsRead(BenchServer server, String database) throws SQLException {
        return server.number(
                database,
                "SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_user_tables WHERE relname IN (" + names() + ")");
    }

    /** How many of its tables a database has. */
    static long present(BenchServer server, String database) throws SQLException {
        return server.number(
                database,
                "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename IN (" + names() + ")");
    }

    /** Indexes of its tables, those of keys included. */
    static long indexes(BenchServer server, String database) throws SQLException {
        return server.number(
                database,
                "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public' AND tablename IN (" + names() + ")");
    }

    private static String names() {
        return "'" + String.join("', '", SHARES.keySet()) + "'";
    }
}
