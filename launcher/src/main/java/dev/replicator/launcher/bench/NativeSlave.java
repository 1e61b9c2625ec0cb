package dev.replicator.launcher.bench;

import dev.replicator.embedded.EmbeddedPostgres;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** PostgreSQL's own logical replication of the benchmark's tables, with its default settings. */
final class NativeSlave {
    private static final String NAME = "bench_native";

    private final EmbeddedPostgres master;
    private final EmbeddedPostgres target;
    private final String database;

    NativeSlave(EmbeddedPostgres master, EmbeddedPostgres target, String database) {
        this.master = master;
        this.target = target;
        this.database = database;
    }

    /** Creates publication and subscription and waits until the first copy is done. */
    void subscribe(String[] tables) throws SQLException {
        master.execute(
                "postgres",
                "ALTER TABLE pgbench_history REPLICA IDENTITY FULL",
                "CREATE PUBLICATION " + NAME + " FOR TABLE " + String.join(", ", tables));
        String source = "host=127.0.0.1 port=" + master.port() + " user=postgres dbname=postgres";
        target.execute(database, "CREATE SUBSCRIPTION " + NAME + " CONNECTION '" + source + "' PUBLICATION " + NAME);
        await("first copy", () -> zero(database, "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'"));
    }

    void disable() throws SQLException {
        target.execute(database, "ALTER SUBSCRIPTION " + NAME + " DISABLE");
        await(
                "walsender gone",
                () -> zeroOnMaster(
                        "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '" + NAME + "' AND active"));
    }

    void enable() throws SQLException {
        target.execute(database, "ALTER SUBSCRIPTION " + NAME + " ENABLE");
    }

    void drop() throws SQLException {
        target.execute(database, "DROP SUBSCRIPTION " + NAME);
        master.execute("postgres", "DROP PUBLICATION " + NAME);
    }

    private interface Check {
        boolean holds() throws SQLException;
    }

    private static void await(String what, Check check) throws SQLException {
        long deadline = System.nanoTime() + Duration.ofMinutes(5).toNanos();
        while (!check.holds()) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("native replication: waited five minutes for: " + what);
            }
            LockSupport.parkNanos(10_000_000L);
        }
    }

    private boolean zero(String onDatabase, String sql) throws SQLException {
        try (Connection connection = target.connect(onDatabase)) {
            return text(connection, sql).equals("0");
        }
    }

    private boolean zeroOnMaster(String sql) throws SQLException {
        try (Connection connection = master.connect("postgres")) {
            return text(connection, sql).equals("0");
        }
    }

    private static String text(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            result.next();
            return result.getString(1);
        }
    }
}
