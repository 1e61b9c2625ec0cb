package dev.replicator.launcher.bench;

import dev.replicator.launcher.local.DaemonProcess;
import dev.replicator.launcher.local.TableDigest;
import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Locale;
import java.util.Map;

/**
 * {@code bench catch-up}: a slave was away; time from letting it come back until the target shows the last transaction
 * of the backlog. Native: its subscription was disabled and is enabled again, its backlog lies in the master's WAL.
 */
final class CatchUp {
    private static final String SLAVE = "bench";
    private static final int WARM_UP_MARK = -1;

    /** Where our backlog lies. */
    enum From {
        /** In the master's WAL: capture was cut off from the master. */
        WAL,
        /** In the forwarder's queue: the slave was away. */
        QUEUE
    }

    /** How our daemon was away. */
    enum Away {
        /** Its process was ended: the time holds the start of a Java process. */
        STOPPED,
        /** Its process lives on, as native's server does: the slave was paused, capture cut off. */
        PAUSED
    }

    private final BenchRun run;
    private final Workload workload;
    private final From from;
    private final Away away;
    private final String database;
    private final String nativeDatabase;
    private final Measured nativeSeconds = new Measured();
    private final Measured ourSeconds = new Measured();
    private Map<String, Double> nativeCpu = Map.of();
    private Map<String, Double> ourCpu = Map.of();
    private long ourCommits;
    private NativeSlave nativeSlave;
    private OurCluster ours;
    private DaemonProcess slave;

    CatchUp(BenchRun run, Workload workload, From from, Away away) {
        this.run = run;
        this.workload = workload;
        this.from = from;
        this.away = away;
        this.database = "bench_" + workload.name().replace('-', '_');
        this.nativeDatabase = database + "_native";
    }

    /** Runs the pairs and adds the figure; native and ours never at the same time. */
    void run(int pairs, Bar bar) throws Exception {
        prepare();
        try (OurCluster cluster = run.cluster(database)) {
            ours = cluster;
            begin();
            for (int pair = 1; pair <= pairs; pair++) {
                pair(pair);
            }
            nativeSlave.drop();
            run.add(new Figure(
                            "catch-up from " + from.name().toLowerCase(Locale.ROOT),
                            workload.name(),
                            "s",
                            nativeSeconds,
                            ourSeconds,
                            bar)
                    .with("away", away.name().toLowerCase(Locale.ROOT))
                    .with("transactions", workload.transactions())
                    .with("changes", workload.changes())
                    .with("nativeCpuSeconds", nativeCpu)
                    .with("replicatorCpuSeconds", ourCpu)
                    .with("replicatorCommits", ourCommits)
                    .with("residentKib", Map.copyOf(cluster.residentKib())));
        }
        BenchRun.dropDatabase(run.target(), nativeDatabase);
        BenchRun.dropDatabase(run.target(), database);
        BenchRun.dropDatabase(run.master(), database);
    }

    private void prepare() throws SQLException {
        BenchRun.createDatabase(run.master(), database);
        BenchRun.createDatabase(run.target(), database);
        BenchRun.createDatabase(run.target(), nativeDatabase);
        workload.createTables(run.master(), database);
        workload.load(run.master(), database);
        workload.createTables(run.target(), nativeDatabase);
        nativeSlave = new NativeSlave(run.master(), database, run.target(), nativeDatabase, "native_" + database);
    }

    private void begin() throws Exception {
        nativeSlave.subscribe(workload.qualified());
        nativeSlave.awaitCopied();
        ours.start();
        slave = ours.defineSlave(SLAVE, database, workload.qualified());
        slave.start();
        ours.awaitInSync(SLAVE, workload.qualified().size());
        run.say(
                "%s from %s: both in sync; each backlog: %,d transactions, %,d row changes",
                workload.name(), from.name().toLowerCase(Locale.ROOT), workload.transactions(), workload.changes());
        if (from == From.WAL) {
            warmUp();
        }
    }

    /** A backlog that both follow at once, so that daemons are measured that have been at work. */
    private void warmUp() throws SQLException {
        workload.write(run.master(), database, WARM_UP_MARK);
        Workload.awaitMark(run.target(), nativeDatabase, WARM_UP_MARK);
        Workload.awaitMark(run.target(), database, WARM_UP_MARK);
    }

    /** Who goes first alternates: the second finds the master's WAL in memory. */
    private void pair(int pair) throws Exception {
        nativeSlave.disable();
        leave();
        writeBacklog(pair);
        double nativeTime;
        double ourTime;
        if (pair % 2 == 1) {
            nativeTime = nativeTime(pair);
            ourTime = ourTime(pair);
        } else {
            ourTime = ourTime(pair);
            nativeTime = nativeTime(pair);
        }
        ours.noteMemory();
        verify();
        nativeSlave.enable();
        nativeSeconds.add(nativeTime);
        ourSeconds.add(ourTime);
        run.say(
                "%s from %s, pair %d: native %.2f s, replicator %.2f s, ratio %.2f",
                workload.name(), from.name().toLowerCase(Locale.ROOT), pair, nativeTime, ourTime, nativeTime / ourTime);
        run.say("    CPU seconds: native %s; replicator %s, %,d commits", nativeCpu, ourCpu, ourCommits);
    }

    private double nativeTime(int mark) throws Exception {
        run.checkpoint();
        CpuUse cpu = CpuUse.begin(run, Map.of());
        double time = BenchRun.timed(() -> {
            nativeSlave.enable();
            Workload.awaitMark(run.target(), nativeDatabase, mark);
        });
        nativeCpu = cpu.used(Map.of());
        nativeSlave.disable();
        return time;
    }

    private double ourTime(int mark) throws Exception {
        run.checkpoint();
        long commits = commits();
        CpuUse cpu = CpuUse.begin(run, ours.cpuSeconds());
        double time = BenchRun.timed(() -> {
            comeBack();
            Workload.awaitMark(run.target(), database, mark);
        });
        ourCpu = cpu.used(ours.cpuSeconds());
        ourCommits = commits() - commits;
        return time;
    }

    /** Commits in our database of the target, as far as its sessions have told yet; every session tells each second. */
    private long commits() throws SQLException {
        return run.target()
                .number("postgres", "SELECT xact_commit FROM pg_stat_database WHERE datname = '" + database + "'");
    }

    private void leave() throws Exception {
        if (from == From.QUEUE && away == Away.STOPPED) {
            ours.noteMemory();
            slave.stop();
        } else if (from == From.QUEUE) {
            ours.pause(SLAVE);
        } else if (away == Away.STOPPED) {
            ours.noteMemory();
            ours.local().capture().stop();
        } else {
            ours.holdCapture();
        }
    }

    private void comeBack() throws Exception {
        if (from == From.QUEUE && away == Away.STOPPED) {
            slave.start();
        } else if (from == From.QUEUE) {
            ours.resume(SLAVE);
        } else if (away == Away.STOPPED) {
            ours.local().capture().start();
        } else {
            ours.releaseCapture();
        }
    }

    private void writeBacklog(int mark) throws Exception {
        long before = from == From.QUEUE ? ours.lastSeq() : 0;
        workload.write(run.master(), database, mark);
        if (from == From.QUEUE) {
            ours.awaitQueued(before + workload.transactions() + 1);
        }
    }

    private void verify() throws SQLException {
        try (Connection left = run.master().connect(database);
                Connection right = run.target().connect(database)) {
            for (String text : workload.qualified()) {
                TableName table = TableName.parse(text);
                if (!TableDigest.read(left, table).equals(TableDigest.read(right, table))) {
                    throw new IllegalStateException(table + " differs between master and slave: the figures are void");
                }
            }
        }
    }
}
