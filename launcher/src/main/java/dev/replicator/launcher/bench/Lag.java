package dev.replicator.launcher.bench;

import dev.replicator.launcher.local.DaemonProcess;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * {@code bench lag}: time from a commit on the master to the commit on the target that made it visible there, by the
 * commit records of both servers, which must share one machine's clock. With synchronous commit the master's own wait
 * for its disk is in it, for both sides.
 */
final class Lag {
    static final List<String> RATES = List.of("100", "500", "1000", "2000", "half");
    static final List<String> SETTINGS = List.of("on", "off");

    private static final String DATABASE = "bench_lag";
    private static final String NATIVE_DATABASE = "bench_lag_native";
    private static final String SLAVE = "bench";
    private static final int WARM_UP_SECONDS = 5;
    private static final int MOST_SECONDS = 3;

    private final BenchRun run;
    private final int seconds;
    private final Workload workload = LagWorkload.tables();
    private final CommitLog masterLog;
    private final Map<String, Integer> most = new HashMap<>();
    private LagSide nativeSide;
    private LagSide ourSide;
    private LagPlot plot;
    private long nextId = 1;
    private int marks;

    /** @param seconds of one measurement, without its warm-up */
    Lag(BenchRun run, int seconds) {
        this.run = run;
        this.seconds = seconds;
        this.masterLog = new CommitLog(run.master(), DATABASE);
    }

    /**
     * Measures each rate under each setting, adds the figures and writes the plots.
     *
     * @param settings of synchronous_commit on the master
     * @param rates transactions per second, or {@code half}
     * @param plots directory, or null
     */
    void run(List<String> settings, List<String> rates, Path plots) throws Exception {
        prepare();
        for (String setting : settings) {
            if (rates.contains("half")) {
                most.put(setting, most(setting));
            }
        }
        NativeSlave slave = subscribe();
        try (OurCluster cluster = run.cluster(DATABASE)) {
            begin(cluster);
            for (String setting : settings) {
                plot = new LagPlot(setting);
                for (String rate : rates) {
                    pair(setting, rate);
                }
                plot.write(plots);
            }
            slave.drop();
        }
        BenchRun.dropDatabase(run.target(), NATIVE_DATABASE);
        BenchRun.dropDatabase(run.target(), DATABASE);
        BenchRun.dropDatabase(run.master(), DATABASE);
    }

    private void prepare() throws SQLException {
        CommitLog.require(run.master());
        CommitLog.require(run.target());
        if (!run.master().isEmbedded() || !run.target().isEmbedded()) {
            run.say(
                    "lag: both servers must run on one machine, or by clocks that agree: lags are differences of theirs");
        }
        BenchRun.createDatabase(run.master(), DATABASE);
        BenchRun.createDatabase(run.target(), DATABASE);
        BenchRun.createDatabase(run.target(), NATIVE_DATABASE);
        workload.createTables(run.master(), DATABASE);
        workload.load(run.master(), DATABASE);
        workload.createTables(run.target(), NATIVE_DATABASE);
        masterLog.install();
    }

    /** What the master alone can do with the same clients. */
    private int most(String setting) throws Exception {
        long first = nextId;
        nextId += Integer.MAX_VALUE;
        int rate = new PacedWriters(run.master(), DATABASE, setting).measureMost(first, MOST_SECONDS);
        run.say("lag: the master alone does %,d transactions/s with synchronous_commit = %s", rate, setting);
        return rate;
    }

    private NativeSlave subscribe() throws SQLException {
        NativeSlave slave =
                new NativeSlave(run.master(), DATABASE, run.target(), NATIVE_DATABASE, "native_" + DATABASE);
        slave.subscribe(workload.qualified());
        slave.awaitCopied();
        slave.disable();
        CommitLog log = new CommitLog(run.target(), NATIVE_DATABASE);
        log.install();
        nativeSide = new LagSide("native", NATIVE_DATABASE, log, slave::enable, slave::disable);
        return slave;
    }

    private void begin(OurCluster ours) throws Exception {
        ours.start();
        DaemonProcess daemon = ours.defineSlave(SLAVE, DATABASE, workload.qualified());
        daemon.start();
        ours.awaitInSync(SLAVE, workload.qualified().size());
        ours.holdCapture();
        CommitLog log = new CommitLog(run.target(), DATABASE);
        log.install();
        ourSide = new LagSide("replicator", DATABASE, log, ours::releaseCapture, ours::holdCapture);
        run.say("lag: both in sync");
    }

    private void pair(String setting, String rate) throws Exception {
        boolean half = rate.equals("half");
        int number = half ? Math.max(1, most.get(setting) / 2) : Integer.parseInt(rate);
        Latencies nativeLags = measure(nativeSide, setting, number);
        Latencies ourLags = measure(ourSide, setting, number);
        String name = half ? "half" : rate + "/s";
        LagFigures.add(run, setting, name, number, nativeLags, ourLags);
        plot.add(name, nativeLags, ourLags);
    }

    /** Lets one side work, measures it, lets it rest again. */
    private Latencies measure(LagSide side, String setting, int rate) throws Exception {
        side.wake().run();
        mark(side);
        run.checkpoint();
        masterLog.begin();
        side.log().begin();
        long first = nextId + (long) rate * WARM_UP_SECONDS;
        long count = (long) rate * seconds;
        new PacedWriters(run.master(), DATABASE, setting).write(nextId, first - nextId + count, rate);
        nextId = first + count;
        mark(side);
        side.rest().run();
        Latencies lags = Latencies.between(
                masterLog.times(LagWorkload.HISTORY), side.log().times(LagWorkload.HISTORY), first, count);
        run.say(
                "lag, synchronous_commit %s, %,d/s (%,.0f/s done), %s: ms %s",
                setting, rate, lags.rate(), side.name(), text(lags.summary()));
        return lags;
    }

    /** Returns when the side shows all that is committed on the master. */
    private void mark(LagSide side) throws SQLException {
        workload.write(run.master(), DATABASE, ++marks);
        Workload.awaitMark(run.target(), side.database(), marks);
    }

    private static String text(Map<String, Double> summary) {
        StringBuilder text = new StringBuilder();
        summary.forEach((name, value) -> text.append(String.format(Locale.ROOT, "%s %.2f ", name, value)));
        return text.toString().stripTrailing();
    }
}
