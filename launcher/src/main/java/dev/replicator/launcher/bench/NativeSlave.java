package dev.replicator.launcher.bench;

import java.sql.SQLException;
import java.util.List;

/** PostgreSQL's own logical replication of a workload's tables into one database, with its default settings. */
final class NativeSlave {
    private final BenchServer master;
    private final String masterDatabase;
    private final BenchServer target;
    private final String targetDatabase;
    private final String name;

    /** @param name of publication, subscription and slot */
    NativeSlave(BenchServer master, String masterDatabase, BenchServer target, String targetDatabase, String name) {
        this.master = master;
        this.masterDatabase = masterDatabase;
        this.target = target;
        this.targetDatabase = targetDatabase;
        this.name = name;
    }

    /** Creates publication and subscription; the first copy begins. */
    void subscribe(List<String> tables) throws SQLException {
        master.execute(masterDatabase, "CREATE PUBLICATION " + name + " FOR TABLE " + String.join(", ", tables));
        target.execute(
                targetDatabase,
                "CREATE SUBSCRIPTION " + name + " CONNECTION '" + master.connectionString(masterDatabase)
                        + "' PUBLICATION " + name);
    }

    /** Waits until each table is copied and follows the stream. */
    void awaitCopied() throws SQLException {
        DatabaseWait.until(
                "native first copy",
                () -> target.number(
                                targetDatabase,
                                "SELECT count(*) FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid"
                                        + " WHERE s.subname = '" + name + "' AND r.srsubstate <> 'r'")
                        == 0);
    }

    void disable() throws SQLException {
        target.execute(targetDatabase, "ALTER SUBSCRIPTION " + name + " DISABLE");
        DatabaseWait.until(
                "native walsender gone",
                () -> master.number(
                                masterDatabase,
                                "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '" + name + "' AND active")
                        == 0);
    }

    void enable() throws SQLException {
        target.execute(targetDatabase, "ALTER SUBSCRIPTION " + name + " ENABLE");
    }

    void drop() throws SQLException {
        target.execute(targetDatabase, "DROP SUBSCRIPTION " + name);
        master.execute(masterDatabase, "DROP PUBLICATION " + name);
    }
}
