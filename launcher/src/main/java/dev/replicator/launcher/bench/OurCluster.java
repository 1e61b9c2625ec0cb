package dev.replicator.launcher.bench;

import dev.replicator.launcher.local.DaemonProcess;
import dev.replicator.launcher.local.LauncherLine;
import dev.replicator.launcher.local.LocalCluster;
import dev.replicator.launcher.local.StatusWait;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Our three daemons over one database of the master, as processes with their default settings. */
final class OurCluster implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofMinutes(10);

    private final LocalCluster cluster;
    private final BenchServer master;
    private final String masterDatabase;
    private final BenchServer target;
    private final Map<String, Long> residentKib = new TreeMap<>();

    OurCluster(Path root, BenchServer master, String masterDatabase, BenchServer target) throws IOException {
        this.cluster = new LocalCluster(root, LauncherLine.current());
        this.master = master;
        this.masterDatabase = masterDatabase;
        this.target = target;
    }

    /** Starts forwarder and capture. */
    void start() throws IOException {
        cluster.defineForwarder("8GiB", "");
        cluster.defineCapture(
                master.jdbcUrl(masterDatabase), master.user(), master.password(), List.of("public.*"), "");
        cluster.forwarder().start();
        cluster.capture().start();
        new StatusWait(cluster, LIMIT)
                .until(
                        "capture streams",
                        status -> status.path("master").path("state").asText().equals("streaming"));
    }

    /** Slaves defined from now on get a small heap, so that many of them fit. */
    void smallSlaves() {
        cluster.runSlavesBy(LauncherLine.ofClassPath("96m"));
    }

    /** Defines a slave of those tables over a database of the target; it is not started. */
    DaemonProcess defineSlave(String name, String database, List<String> tables) throws IOException {
        DaemonProcess daemon = cluster.defineSlave(
                        name, target.jdbcUrl(database), target.user(), target.password(), tables)
                .daemon();
        cluster.admin("reload").orThrow();
        return daemon;
    }

    void awaitInSync(String slave, int tables) {
        new StatusWait(cluster, LIMIT).inSync(slave, tables);
    }

    LocalCluster local() {
        return cluster;
    }

    void pause(String slave) {
        cluster.admin("slave", "pause", slave).orThrow();
        new StatusWait(cluster, LIMIT).until("the slave is paused", status -> StatusWait.slaveOf(status, slave)
                .path("state")
                .asText()
                .equals("paused"));
    }

    void resume(String slave) {
        cluster.admin("slave", "resume", slave).orThrow();
    }

    long lastSeq() throws IOException {
        return cluster.status().path("queue").path("lastSeq").asLong();
    }

    /** Waits until the forwarder's queue holds that transaction. */
    void awaitQueued(long seq) {
        new StatusWait(cluster, LIMIT)
                .until(
                        "the backlog is in the queue",
                        status -> status.path("queue").path("lastSeq").asLong() >= seq);
    }

    /** Bytes of each dump that the forwarder holds, by its id. */
    Map<String, Long> dumpedBytes() throws IOException {
        Map<String, Long> bytes = new TreeMap<>();
        cluster.status()
                .path("dumps")
                .forEach(dump ->
                        bytes.put(dump.path("id").asText(), dump.path("bytes").asLong()));
        return bytes;
    }

    /** Cuts capture off from the master: its process is held and its sessions on the master are ended. */
    void holdCapture() throws IOException, InterruptedException, SQLException {
        Processes.signal("STOP", cluster.capture().pid());
        master.execute(
                masterDatabase,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                        + " AND application_name LIKE 'replicator%' AND datname = current_database()");
    }

    void releaseCapture() throws IOException, InterruptedException {
        Processes.signal("CONT", cluster.capture().pid());
    }

    /** Notes the greatest resident size so far of each daemon that runs. */
    void noteMemory() throws IOException {
        for (DaemonProcess daemon : daemons()) {
            if (daemon.isAlive()) {
                String kind = daemon.name().startsWith("slave") ? "slave" : daemon.name();
                residentKib.merge(kind, Processes.greatestResidentKib(daemon.pid()), Math::max);
            }
        }
    }

    /** CPU seconds so far of each daemon that runs, by its name. */
    Map<String, Double> cpuSeconds() throws IOException {
        Map<String, Double> seconds = new TreeMap<>();
        for (DaemonProcess daemon : daemons()) {
            if (daemon.isAlive()) {
                seconds.put(daemon.name(), Processes.cpuSeconds(daemon.pid()));
            }
        }
        return seconds;
    }

    /** Greatest resident size seen by {@link #noteMemory}, by kind of daemon, KiB. */
    Map<String, Long> residentKib() {
        return residentKib;
    }

    private List<DaemonProcess> daemons() {
        return cluster.daemons();
    }

    /** Ends the daemons and takes their slot and publication off the master. */
    @Override
    public void close() {
        cluster.close();
        try {
            master.execute(
                    masterDatabase,
                    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                            + " WHERE database = current_database() AND slot_name LIKE 'replicator%' AND NOT active");
        } catch (SQLException e) {
            throw new IllegalStateException(
                    "dropping our slot in " + masterDatabase + ": " + e.getMessage()
                            + "; drop it by hand, it holds the master's log",
                    e);
        }
    }
}
