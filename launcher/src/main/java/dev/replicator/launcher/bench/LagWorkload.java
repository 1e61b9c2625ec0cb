package dev.replicator.launcher.bench;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.SplittableRandom;

/**
 * pgbench's transaction (PostgreSQL manual, pgbench, "tpcb-like") as one call of a server function, so that a client is
 * one round trip; its history rows have a number.
 */
final class LagWorkload {
    static final String HISTORY = "pgbench_history";
    static final String CALL = "SELECT bench_transaction(?, ?, ?, ?, ?)";

    private static final int BRANCHES = 50;
    private static final int TELLERS = 10 * BRANCHES;
    private static final int ACCOUNTS = 200_000;

    private LagWorkload() {}

    static Workload tables() {
        return new Workload(
                "lag",
                List.of("pgbench_accounts", "pgbench_tellers", "pgbench_branches", HISTORY),
                List.of(
                        "CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88))",
                        "CREATE TABLE pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84))",
                        "CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84))",
                        "CREATE TABLE pgbench_history (id bigint PRIMARY KEY, tid int, bid int, aid int, delta int,"
                                + " mtime timestamptz, filler char(22))"),
                List.of(
                        "INSERT INTO pgbench_branches SELECT b, 0, '' FROM generate_series(1, " + BRANCHES + ") b",
                        "INSERT INTO pgbench_tellers SELECT t, (t - 1) / 10 + 1, 0, '' FROM generate_series(1, "
                                + TELLERS + ") t",
                        "INSERT INTO pgbench_accounts SELECT a, (a - 1) % " + BRANCHES
                                + " + 1, 0, '' FROM generate_series(1, " + ACCOUNTS + ") a",
                        "CREATE FUNCTION bench_transaction(i bigint, a int, t int, b int, d int) RETURNS void"
                                + " LANGUAGE plpgsql AS $$ BEGIN"
                                + " UPDATE pgbench_accounts SET abalance = abalance + d WHERE aid = a;"
                                + " UPDATE pgbench_tellers SET tbalance = tbalance + d WHERE tid = t;"
                                + " UPDATE pgbench_branches SET bbalance = bbalance + d WHERE bid = b;"
                                + " INSERT INTO pgbench_history VALUES (i, t, b, a, d, now()); END $$"),
                List.of(),
                0,
                0);
    }

    /** @param statement of {@link #CALL} */
    static void write(PreparedStatement statement, long id, SplittableRandom random) throws SQLException {
        statement.setLong(1, id);
        statement.setInt(2, 1 + random.nextInt(ACCOUNTS));
        statement.setInt(3, 1 + random.nextInt(TELLERS));
        statement.setInt(4, 1 + random.nextInt(BRANCHES));
        statement.setInt(5, random.nextInt(-5_000, 5_001));
        statement.execute();
    }
}
