package dev.replicator.launcher.bench;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * The tables and the transaction of pgbench (PostgreSQL manual, pgbench, "tpcb-like"): each transaction updates one
 * account, one teller and one branch and inserts one history row. Transactions are written by a procedure inside the
 * server, one commit each, so that making a backlog costs little and needs no pgbench binary.
 */
final class TpcbWorkload {
    static final String[] TABLES = {
        "public.pgbench_accounts", "public.pgbench_tellers", "public.pgbench_branches", "public.pgbench_history"
    };
    static final int CHANGES_PER_TRANSACTION = 4;

    private final int scale;

    /** @param scale as in pgbench: 100,000 accounts, 10 tellers and 1 branch for each unit */
    TpcbWorkload(int scale) {
        this.scale = scale;
    }

    /** Creates the tables, without rows. */
    void createTables(Connection connection) throws SQLException {
        execute(
                connection,
                "CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88))",
                "CREATE TABLE pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84))",
                "CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84))",
                "CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))");
    }

    /** Fills the tables and makes the procedure that writes transactions. */
    void load(Connection connection) throws SQLException {
        execute(
                connection,
                "INSERT INTO pgbench_branches SELECT b, 0, '' FROM generate_series(1, " + scale + ") b",
                "INSERT INTO pgbench_tellers SELECT t, (t - 1) / 10 + 1, 0, '' FROM generate_series(1, " + 10 * scale
                        + ") t",
                "INSERT INTO pgbench_accounts SELECT a, (a - 1) / 100000 + 1, 0, '' FROM generate_series(1, "
                        + 100_000 * scale + ") a",
                "CREATE PROCEDURE tpcb(transactions int) LANGUAGE plpgsql AS $$"
                        + " DECLARE a int; t int; b int; d int; BEGIN FOR i IN 1..transactions LOOP"
                        + " a := 1 + random() * " + (100_000 * scale - 1) + "; t := 1 + random() * " + (10 * scale - 1)
                        + "; b := 1 + random() * " + (scale - 1) + "; d := -5000 + random() * 10000;"
                        + " UPDATE pgbench_accounts SET abalance = abalance + d WHERE aid = a;"
                        + " UPDATE pgbench_tellers SET tbalance = tbalance + d WHERE tid = t;"
                        + " UPDATE pgbench_branches SET bbalance = bbalance + d WHERE bid = b;"
                        + " INSERT INTO pgbench_history (tid, bid, aid, delta, mtime)"
                        + " VALUES (t, b, a, d, clock_timestamp()); COMMIT; END LOOP; END $$",
                "VACUUM ANALYZE");
    }

    /** Writes that many transactions on the master. */
    void write(Connection connection, int transactions) throws SQLException {
        execute(connection, "SET synchronous_commit = off", "CALL tpcb(" + transactions + ")", "RESET synchronous_commit");
    }

    private static void execute(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }
}
