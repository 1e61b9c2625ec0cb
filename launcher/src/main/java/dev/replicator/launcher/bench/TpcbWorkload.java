package dev.replicator.launcher.bench;

import dev.replicator.embedded.EmbeddedPostgres;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * The tables and the transaction of pgbench (PostgreSQL manual, pgbench, "tpcb-like"): each transaction updates one
 * account, one teller and one branch and inserts one history row. Transactions are written by a procedure inside the
 * server, one commit each, so that making a backlog costs little and needs no pgbench binary.
 */
final class TpcbWorkload {
    static final String[] TABLES = {
        "public.pgbench_accounts",
        "public.pgbench_tellers",
        "public.pgbench_branches",
        "public.pgbench_history",
        "public.bench_mark"
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
                "CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))",
                "CREATE TABLE bench_mark (id int PRIMARY KEY, mark int NOT NULL)");
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
                "INSERT INTO bench_mark VALUES (1, 0)",
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

    /** Writes that many transactions on the master, the mark's included, which is the last. */
    void write(Connection connection, int transactions, int mark) throws SQLException {
        execute(
                connection,
                "SET synchronous_commit = off",
                "CALL tpcb(" + (transactions - 1) + ")",
                "RESET synchronous_commit",
                "UPDATE bench_mark SET mark = " + mark);
    }

    /** Waits until a reader of the target sees the mark: then it sees all that was written before it. */
    static void awaitMark(EmbeddedPostgres target, String database, int mark) throws SQLException {
        long deadline = System.nanoTime() + Duration.ofMinutes(5).toNanos();
        try (Connection connection = target.connect(database);
                Statement statement = connection.createStatement()) {
            while (true) {
                try (ResultSet result = statement.executeQuery("SELECT mark FROM bench_mark")) {
                    if (result.next() && result.getInt(1) == mark) {
                        return;
                    }
                }
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException("waited five minutes for mark " + mark + " in " + database);
                }
                LockSupport.parkNanos(10_000_000L);
            }
        }
    }

    private static void execute(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }
}
