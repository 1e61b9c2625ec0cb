package dev.replicator.launcher.bench;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The workloads of {@code bench catch-up}. */
final class Workloads {
    /** Names in the order in which they run. */
    static final List<String> NAMES =
            List.of("tpcb", "insert-only", "wide-updates", "sysbench", "huge-transaction", "hot-rows");

    private Workloads() {}

    /**
     * A workload by name.
     *
     * @param size share of the full backlog, 1.0 = as in the published figures
     */
    static Workload named(String name, double size) {
        return switch (name) {
            case "tpcb" -> tpcb(5, scaled(500_000, size));
            case "insert-only" -> insertOnly(scaled(1_000_000, size));
            case "wide-updates" -> wideUpdates(100_000, scaled(250_000, size));
            case "sysbench" -> sysbench(200_000, scaled(200_000, size));
            case "huge-transaction" -> hugeTransaction(scaled(5_000_000, size));
            case "hot-rows" -> hotRows(scaled(1_000_000, size));
            default -> throw new IllegalArgumentException(
                    "unknown workload " + name + "; known: " + String.join(", ", NAMES));
        };
    }

    private static int scaled(int transactions, double size) {
        return Math.max(100, (int) (transactions * size));
    }

    /**
     * The tables and the transaction of pgbench (PostgreSQL manual, pgbench, "tpcb-like"): each updates one account, one
     * teller and one branch and inserts one history row.
     *
     * @param scale 100,000 accounts, 10 tellers and 1 branch for each unit
     */
    static Workload tpcb(int scale, int transactions) {
        return new Workload(
                "tpcb",
                List.of("pgbench_accounts", "pgbench_tellers", "pgbench_branches", "pgbench_history"),
                List.of(
                        "CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88))",
                        "CREATE TABLE pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84))",
                        "CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84))",
                        "CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp,"
                                + " filler char(22))",
                        "ALTER TABLE pgbench_history REPLICA IDENTITY FULL"),
                List.of(
                        "INSERT INTO pgbench_branches SELECT b, 0, '' FROM generate_series(1, " + scale + ") b",
                        "INSERT INTO pgbench_tellers SELECT t, (t - 1) / 10 + 1, 0, '' FROM generate_series(1, "
                                + 10 * scale + ") t",
                        "INSERT INTO pgbench_accounts SELECT a, (a - 1) / 100000 + 1, 0, '' FROM generate_series(1, "
                                + 100_000 * scale + ") a",
                        loop(
                                "a int; t int; b int; d int;",
                                "a := 1 + random() * " + (100_000 * scale - 1) + "; t := 1 + random() * "
                                        + (10 * scale - 1) + "; b := 1 + random() * " + (scale - 1)
                                        + "; d := -5000 + random() * 10000;"
                                        + " UPDATE pgbench_accounts SET abalance = abalance + d WHERE aid = a;"
                                        + " UPDATE pgbench_tellers SET tbalance = tbalance + d WHERE tid = t;"
                                        + " UPDATE pgbench_branches SET bbalance = bbalance + d WHERE bid = b;"
                                        + " INSERT INTO pgbench_history (tid, bid, aid, delta, mtime)"
                                        + " VALUES (t, b, a, d, clock_timestamp());")),
                List.of("CALL backlog(" + transactions + ")"),
                transactions,
                4L * transactions);
    }

    /** One row per transaction into a table with a secondary index. */
    static Workload insertOnly(int transactions) {
        return new Workload(
                "insert-only",
                List.of("events"),
                List.of(
                        "CREATE TABLE events (id bigint PRIMARY KEY, kind int NOT NULL, at timestamptz NOT NULL,"
                                + " body text NOT NULL)",
                        "CREATE INDEX events_kind ON events (kind, at)"),
                List.of(
                        "CREATE SEQUENCE event_ids",
                        loop(
                                "",
                                "INSERT INTO events VALUES (nextval('event_ids'), i % 1000, clock_timestamp(),"
                                        + " md5(i::text) || md5((i + 1)::text));")),
                List.of("CALL backlog(" + transactions + ")"),
                transactions,
                transactions);
    }

    /** One random row per transaction of a table with 30 columns and five secondary indexes, two of them changed. */
    static Workload wideUpdates(int rows, int transactions) {
        String numbers = IntStream.rangeClosed(1, 15)
                .mapToObj(n -> "n" + n + " int NOT NULL")
                .collect(Collectors.joining(", "));
        String texts = IntStream.rangeClosed(1, 14)
                .mapToObj(n -> "t" + n + " text NOT NULL")
                .collect(Collectors.joining(", "));
        String numberValues =
                IntStream.rangeClosed(1, 15).mapToObj(n -> "r * " + n).collect(Collectors.joining(", "));
        String textValues = IntStream.rangeClosed(1, 14)
                .mapToObj(n -> "md5((r + " + n + ")::text)")
                .collect(Collectors.joining(", "));
        return new Workload(
                "wide-updates",
                List.of("wide"),
                List.of(
                        "CREATE TABLE wide (id int PRIMARY KEY, " + numbers + ", " + texts + ")",
                        "CREATE INDEX wide_1 ON wide (n1)",
                        "CREATE INDEX wide_2 ON wide (n2, n3)",
                        "CREATE INDEX wide_3 ON wide (t1)",
                        "CREATE INDEX wide_4 ON wide (t2, n4)",
                        "CREATE INDEX wide_5 ON wide (n5)"),
                List.of(
                        "INSERT INTO wide SELECT r, " + numberValues + ", " + textValues + " FROM generate_series(1, "
                                + rows + ") r",
                        loop(
                                "d int;",
                                "d := " + randomId(rows) + ";"
                                        + " UPDATE wide SET n1 = n1 + 1, t1 = md5(i::text), n15 = i WHERE id = d;")),
                List.of("CALL backlog(" + transactions + ")"),
                transactions,
                transactions);
    }

    /** The statements of sysbench's oltp_write_only: index update, non-index update, delete and insert of one id. */
    static Workload sysbench(int rows, int transactions) {
        String id = randomId(rows);
        return new Workload(
                "sysbench",
                List.of("sbtest1"),
                List.of(
                        "CREATE TABLE sbtest1 (id int PRIMARY KEY, k int NOT NULL, c char(120) NOT NULL,"
                                + " pad char(60) NOT NULL)",
                        "CREATE INDEX sbtest1_k ON sbtest1 (k)"),
                List.of(
                        "INSERT INTO sbtest1 SELECT r, r, md5(r::text), md5((-r)::text) FROM generate_series(1, " + rows
                                + ") r",
                        loop(
                                "d int;",
                                "d := " + id + "; UPDATE sbtest1 SET k = k + 1 WHERE id = d;"
                                        + " d := " + id + "; UPDATE sbtest1 SET c = md5(i::text) WHERE id = d;"
                                        + " d := " + id + "; DELETE FROM sbtest1 WHERE id = d;"
                                        + " INSERT INTO sbtest1 VALUES (d, i, md5(i::text), md5(d::text));")),
                List.of("CALL backlog(" + transactions + ")"),
                transactions,
                4L * transactions);
    }

    /** One transaction that inserts that many rows. */
    static Workload hugeTransaction(int rows) {
        return new Workload(
                "huge-transaction",
                List.of("bulk"),
                List.of("CREATE TABLE bulk (id bigint PRIMARY KEY, body text NOT NULL)"),
                List.of("CREATE SEQUENCE bulk_ids"),
                List.of("INSERT INTO bulk SELECT nextval('bulk_ids'), md5(r::text) FROM generate_series(1, " + rows
                        + ") r"),
                1,
                rows);
    }

    /** Every transaction updates one of the same ten rows. */
    static Workload hotRows(int transactions) {
        return new Workload(
                "hot-rows",
                List.of("counters"),
                List.of("CREATE TABLE counters (id int PRIMARY KEY, value bigint NOT NULL, note text NOT NULL)"
                        + " WITH (fillfactor = 10)"),
                List.of(
                        "INSERT INTO counters SELECT r, 0, '' FROM generate_series(1, 10) r",
                        loop("", "UPDATE counters SET value = value + 1, note = md5(i::text) WHERE id = 1 + i % 10;")),
                List.of("CALL backlog(" + transactions + ")"),
                transactions,
                transactions);
    }

    /** Evaluated before the statement: a volatile expression in WHERE would read the whole table. */
    private static String randomId(int rows) {
        return "1 + floor(random() * " + rows + ")::int";
    }

    private static String loop(String variables, String body) {
        return "CREATE PROCEDURE backlog(transactions int) LANGUAGE plpgsql AS $$ DECLARE " + variables
                + " BEGIN FOR i IN 1..transactions LOOP " + body + " COMMIT; END LOOP; END $$";
    }
}
