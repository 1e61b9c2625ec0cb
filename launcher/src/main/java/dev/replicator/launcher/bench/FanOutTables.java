package dev.replicator.launcher.bench;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/** Tables of {@code bench fan-out}, which of them a slave carries, and the load that is written into them. */
final class FanOutTables {
    private static final int TABLES = 8;
    private static final int ROWS = 1_000;
    private static final String MARK = "bench_mark";

    private FanOutTables() {}

    /** Tables of the slave with that number, from 0: two of eight, which others carry too, and the mark's. */
    static List<String> of(int slave) {
        return List.of(table(slave), table(slave * 3 + 1), "public." + MARK);
    }

    private static String table(int number) {
        return "public.t" + number % TABLES;
    }

    static void createOnMaster(BenchServer server, String database) throws SQLException {
        List<String> all = new ArrayList<>(
                IntStream.range(0, TABLES).mapToObj(FanOutTables::table).toList());
        all.add("public." + MARK);
        create(server, database, all);
        for (String table : all) {
            server.execute(
                    database,
                    "INSERT INTO " + table + " SELECT n, 0, repeat('x', 80) FROM generate_series(0, "
                            + (table.endsWith(MARK) ? 0 : ROWS - 1) + ") n");
        }
        server.execute(database, function(), "VACUUM ANALYZE");
    }

    static void create(BenchServer server, String database, List<String> tables) throws SQLException {
        server.execute(
                database,
                tables.stream()
                        .map(table -> "CREATE TABLE " + table + " (id int PRIMARY KEY, mark int NOT NULL, filler text)")
                        .toList());
    }

    /** One transaction of the load: two rows of one table and one row of the next. */
    private static String function() {
        StringBuilder body = new StringBuilder("CREATE FUNCTION fan_out(k int) RETURNS void LANGUAGE plpgsql AS $$"
                + " DECLARE i int := k::bigint * 7919 % " + ROWS + "; j int := (k::bigint * 104729 + 1) % " + ROWS
                + "; BEGIN CASE k % " + TABLES);
        for (int i = 0; i < TABLES; i++) {
            body.append(" WHEN ").append(i).append(" THEN UPDATE ").append(table(i));
            body.append(" SET mark = k WHERE id IN (i, j); UPDATE ").append(table(i + 1));
            body.append(" SET mark = k WHERE id = i;");
        }
        return body.append(" END CASE; END $$").toString();
    }

    /** Writes so many transactions one by one as fast as it goes, then the mark. */
    static void burst(BenchServer server, String database, int transactions, int mark) throws SQLException {
        try (Connection connection = server.connect(database);
                Statement statement = connection.createStatement()) {
            statement.execute("SET synchronous_commit = off");
            write(connection, transactions, 0);
            statement.execute("SET synchronous_commit = local");
            mark(statement, mark);
        }
    }

    /**
     * Writes at that rate, then the mark.
     *
     * @return seconds it took; more than planned when the master could not keep the rate
     */
    static double load(BenchServer server, String database, int rate, int seconds, int mark) throws SQLException {
        long start = System.nanoTime();
        try (Connection connection = server.connect(database);
                Statement statement = connection.createStatement()) {
            write(connection, rate * seconds, 1_000_000_000L / rate);
            mark(statement, mark);
        }
        return (System.nanoTime() - start) / 1e9;
    }

    private static void write(Connection connection, int transactions, long pauseNanos) throws SQLException {
        long start = System.nanoTime();
        try (PreparedStatement call = connection.prepareStatement("SELECT fan_out(?)")) {
            for (int k = 0; k < transactions; k++) {
                awaitTime(start + k * pauseNanos);
                call.setInt(1, k);
                call.execute();
            }
        }
    }

    /** The load's own pace: transaction k begins k pauses after the first, or later if the master is late. */
    private static void awaitTime(long due) {
        for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private static void mark(Statement statement, int mark) throws SQLException {
        statement.execute("UPDATE " + MARK + " SET mark = " + mark);
    }
}
