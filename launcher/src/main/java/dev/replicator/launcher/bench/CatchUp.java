package dev.replicator.launcher.bench;

import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.launcher.local.DaemonProcess;
import dev.replicator.launcher.local.LocalCluster;
import dev.replicator.launcher.local.StatusWait;
import dev.replicator.launcher.local.TableDigest;
import dev.replicator.queue.TableName;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * {@code bench catch-up --from queue}: a slave was away, its backlog lies in the forwarder's queue; time from starting
 * its daemon until the target equals the master. Native's equivalent: its subscription was disabled and is enabled
 * again, its backlog lies in the master's WAL.
 */
final class CatchUp {
    private static final String NATIVE_DATABASE = "native";
    private static final String OUR_DATABASE = "ours";
    private static final String SLAVE = "bench";

    private final PrintWriter out;
    private final EmbeddedPostgres master;
    private final EmbeddedPostgres target;
    private final LocalCluster cluster;
    private final TpcbWorkload workload;
    private final int transactions;
    private final Away away;

    private final Measured nativeSeconds = new Measured();
    private final Measured ourSeconds = new Measured();

    /** How our slave was away. */
    enum Away {
        /** Its daemon was stopped: the time holds the start of a Java process. */
        STOPPED,
        /** It was paused by the admin command, as native's subscription is disabled: its process lives on. */
        PAUSED
    }

    CatchUp(
            PrintWriter out,
            EmbeddedPostgres master,
            EmbeddedPostgres target,
            LocalCluster cluster,
            TpcbWorkload workload,
            int transactions,
            Away away) {
        this.out = out;
        this.master = master;
        this.target = target;
        this.cluster = cluster;
        this.workload = workload;
        this.transactions = transactions;
        this.away = away;
    }

    Measured nativeSeconds() {
        return nativeSeconds;
    }

    Measured ourSeconds() {
        return ourSeconds;
    }

    /** Runs the pairs; native and ours never at the same time. */
    void run(int pairs) throws Exception {
        prepare();
        NativeSlave nativeSlave = new NativeSlave(master, target, NATIVE_DATABASE);
        nativeSlave.subscribe(TpcbWorkload.TABLES);
        DaemonProcess slave = startOurs();
        say(
                "both in sync; each pair: backlog of %,d transactions, %,d row changes",
                transactions, (long) transactions * TpcbWorkload.CHANGES_PER_TRANSACTION);
        for (int pair = 1; pair <= pairs; pair++) {
            int mark = pair;
            nativeSlave.disable();
            leave(slave);
            writeBacklog(mark);
            checkpoint();
            double nativeTime = timed(() -> {
                nativeSlave.enable();
                TpcbWorkload.awaitMark(target, NATIVE_DATABASE, mark);
            });
            nativeSlave.disable();
            checkpoint();
            double ourTime = timed(() -> {
                comeBack(slave);
                TpcbWorkload.awaitMark(target, OUR_DATABASE, mark);
            });
            nativeSlave.enable();
            nativeSeconds.add(nativeTime);
            ourSeconds.add(ourTime);
            say(
                    "pair %d: native %.2f s, replicator %.2f s, ratio %.2f",
                    pair, nativeTime, ourTime, nativeTime / ourTime);
        }
        verify();
        nativeSlave.drop();
    }

    private void leave(DaemonProcess slave) throws InterruptedException {
        if (away == Away.STOPPED) {
            slave.stop();
            return;
        }
        cluster.admin("slave", "pause", SLAVE).orThrow();
        new StatusWait(cluster, Duration.ofMinutes(1))
                .until("the slave is paused", status -> StatusWait.slaveOf(status, SLAVE)
                        .path("state")
                        .asText()
                        .equals("paused"));
    }

    private void comeBack(DaemonProcess slave) throws IOException {
        if (away == Away.STOPPED) {
            slave.start();
        } else {
            cluster.admin("slave", "resume", SLAVE).orThrow();
        }
    }

    private void prepare() throws SQLException {
        try (Connection connection = master.connect("postgres")) {
            workload.createTables(connection);
            workload.load(connection);
        }
        target.execute("postgres", "CREATE DATABASE " + NATIVE_DATABASE, "CREATE DATABASE " + OUR_DATABASE);
        try (Connection connection = target.connect(NATIVE_DATABASE)) {
            workload.createTables(connection);
        }
    }

    private DaemonProcess startOurs() throws Exception {
        cluster.defineForwarder("8GiB", "");
        cluster.defineCapture(master.jdbcUrl("postgres"), "postgres", "postgres", List.of("public.*"), "");
        cluster.defineSlave(SLAVE, target.jdbcUrl(OUR_DATABASE), "postgres", "postgres", List.of(TpcbWorkload.TABLES));
        cluster.forwarder().start();
        cluster.capture().start();
        DaemonProcess slave = cluster.slave(SLAVE).daemon();
        slave.start();
        new StatusWait(cluster, Duration.ofMinutes(3)).inSync(SLAVE, TpcbWorkload.TABLES.length);
        return slave;
    }

    /** Ends when the whole backlog is in the forwarder's queue. */
    private void writeBacklog(int mark) throws Exception {
        long before = cluster.status().path("queue").path("lastSeq").asLong();
        try (Connection connection = master.connect("postgres")) {
            workload.write(connection, transactions, mark);
        }
        new StatusWait(cluster, Duration.ofMinutes(3))
                .until(
                        "the backlog is in the queue",
                        status -> status.path("queue").path("lastSeq").asLong() >= before + transactions);
    }

    private void checkpoint() throws SQLException {
        master.execute("postgres", "CHECKPOINT");
        target.execute("postgres", "CHECKPOINT");
    }

    private void verify() throws SQLException {
        try (Connection left = master.connect("postgres");
                Connection right = target.connect(OUR_DATABASE)) {
            for (String text : TpcbWorkload.TABLES) {
                TableName table = TableName.parse(text);
                if (!TableDigest.read(left, table).equals(TableDigest.read(right, table))) {
                    throw new IllegalStateException(table + " differs between master and slave: the figures are void");
                }
            }
        }
        say("all tables equal");
    }

    private interface Work {
        void run() throws Exception;
    }

    private static double timed(Work work) throws Exception {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }

    private void say(String format, Object... arguments) {
        out.println(String.format(Locale.ROOT, format, arguments));
        out.flush();
    }
}
