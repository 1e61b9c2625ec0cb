package dev.replicator.launcher.bench;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * What is written on the master while a slave is away. Transactions are written by procedures inside the server, one
 * commit each, so that making a backlog costs little and needs no client program.
 *
 * @param name as on the command line
 * @param tables names of its tables in schema public, without the mark's
 * @param create statements that make the tables, on the master and for native replication on the target
 * @param load statements that fill them on the master and make the procedures
 * @param write statements that write one backlog
 * @param transactions that one backlog has, without the mark's
 * @param changes row changes of one backlog
 */
record Workload(
        String name,
        List<String> tables,
        List<String> create,
        List<String> load,
        List<String> write,
        long transactions,
        long changes) {
    private static final String MARK = "bench_mark";

    /** Tables with the mark's, as capture and slaves name them. */
    List<String> qualified() {
        List<String> all = new ArrayList<>(tables);
        all.add(MARK);
        return all.stream().map(table -> "public." + table).toList();
    }

    void createTables(BenchServer server, String database) throws SQLException {
        server.execute(database, create);
        server.execute(database, "CREATE TABLE " + MARK + " (id int PRIMARY KEY, mark int NOT NULL)");
    }

    void load(BenchServer server, String database) throws SQLException {
        server.execute(database, load);
        server.execute(database, "INSERT INTO " + MARK + " VALUES (1, 0)", "VACUUM ANALYZE");
    }

    /** Writes a backlog; the mark is its last transaction and is on disk when this returns. */
    void write(BenchServer server, String database, int mark) throws SQLException {
        try (Connection connection = server.connect(database);
                Statement statement = connection.createStatement()) {
            statement.execute("SET synchronous_commit = off");
            for (String sql : write) {
                statement.execute(sql);
            }
            statement.execute("SET synchronous_commit = local");
            statement.execute("UPDATE " + MARK + " SET mark = " + mark);
        }
    }

    /** Waits until a reader sees the mark: then it sees all that was written before it. */
    static void awaitMark(BenchServer server, String database, int mark) throws SQLException {
        long deadline = System.nanoTime() + Duration.ofMinutes(10).toNanos();
        try (Connection connection = server.connect(database);
                Statement statement = connection.createStatement()) {
            while (true) {
                try (ResultSet result = statement.executeQuery("SELECT mark FROM " + MARK)) {
                    if (result.next() && result.getInt(1) == mark) {
                        return;
                    }
                }
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException("waited ten minutes for mark " + mark + " in " + database);
                }
                LockSupport.parkNanos(10_000_000L);
            }
        }
    }
}
