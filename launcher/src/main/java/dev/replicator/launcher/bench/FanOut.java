package dev.replicator.launcher.bench;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.launcher.local.DaemonProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code bench fan-out}: what more slaves cost the master. They carry different tables and follow a fixed load; native
 * with one subscription each, ours with one daemon each.
 */
final class FanOut {
    private static final String DATABASE = "bench_fan";
    /** So many start at a time: a subscription that copies needs three slots, a Java process much CPU. */
    private static final int STARTS = 8;

    private final BenchRun run;
    private final int rate;
    private final int seconds;
    private final int windows;
    private final List<FanOutPoint> nativePoints = new ArrayList<>();
    private final List<FanOutPoint> ourPoints = new ArrayList<>();
    private int mark;

    /** A window's work for one side. */
    private interface Cost {
        MasterCost now() throws IOException, SQLException;
    }

    FanOut(BenchRun run, int rate, int seconds, int windows) {
        this.run = run;
        this.rate = rate;
        this.seconds = seconds;
        this.windows = windows;
    }

    /**
     * Measures each number of slaves, first all of native's, then all of ours, and adds the figures. The slaves of a smaller
     * number stay for the greater ones.
     *
     * @param plots directory for the plot, or null
     */
    void run(List<Integer> counts, Path plots) throws Exception {
        if (!run.master().isEmbedded()) {
            run.say("the master is not ours: CPU and files of its processes cannot be read and are left out");
        }
        List<Integer> ascending = counts.stream().sorted().distinct().toList();
        measureNative(ascending);
        measureOurs(ascending);
        new FanOutFigures(nativePoints, ourPoints).addTo(run);
        if (plots != null && run.master().isEmbedded()) {
            FanOutPlot.write(plots, nativePoints, ourPoints);
        }
    }

    private void measureNative(List<Integer> counts) throws Exception {
        createMaster();
        List<String> databases = new ArrayList<>();
        List<NativeSlave> subscriptions = new ArrayList<>();
        for (int slaves : counts) {
            addDatabases("native", databases, slaves);
            subscribe(databases, subscriptions);
            warmUp(databases);
            FanOutPoint point = newPoint(slaves);
            for (int window = 0; window < windows; window++) {
                window(databases, point, () -> MasterCost.read(run.master(), DATABASE, List.of()));
            }
            say("native", point);
            nativePoints.add(point);
        }
        for (NativeSlave slave : subscriptions) {
            slave.drop();
        }
        drop(databases);
    }

    /** Subscribes the databases that have no subscription yet. */
    private void subscribe(List<String> databases, List<NativeSlave> subscriptions) throws SQLException {
        for (int from = subscriptions.size(); from < databases.size(); from += STARTS) {
            int to = Math.min(databases.size(), from + STARTS);
            for (int i = from; i < to; i++) {
                String database = databases.get(i);
                FanOutTables.create(run.target(), database, FanOutTables.of(i));
                subscriptions.add(new NativeSlave(run.master(), DATABASE, run.target(), database, "native_fan_" + i));
                subscriptions.get(i).subscribe(FanOutTables.of(i));
            }
            for (int i = from; i < to; i++) {
                subscriptions.get(i).awaitCopied();
            }
        }
    }

    private void measureOurs(List<Integer> counts) throws Exception {
        createMaster();
        List<String> databases = new ArrayList<>();
        try (OurCluster cluster = run.cluster(DATABASE)) {
            cluster.smallSlaves();
            cluster.start();
            for (int slaves : counts) {
                int started = databases.size();
                addDatabases("ours", databases, slaves);
                startSlaves(cluster, databases, started);
                warmUp(databases);
                FanOutPoint point = newPoint(slaves);
                for (int window = 0; window < windows; window++) {
                    ourWindow(cluster, databases, point);
                }
                say("replicator", point);
                ourPoints.add(point);
            }
            cluster.noteMemory();
            run.say("greatest resident sizes, KiB: %s", cluster.residentKib());
        }
        drop(databases);
    }

    private void startSlaves(OurCluster cluster, List<String> databases, int first) throws IOException {
        for (int from = first; from < databases.size(); from += STARTS) {
            int to = Math.min(databases.size(), from + STARTS);
            for (int i = from; i < to; i++) {
                cluster.defineSlave(name(i), databases.get(i), FanOutTables.of(i))
                        .start();
            }
            for (int i = from; i < to; i++) {
                cluster.awaitInSync(name(i), FanOutTables.of(i).size());
            }
        }
    }

    private void ourWindow(OurCluster cluster, List<String> databases, FanOutPoint point) throws Exception {
        DaemonProcess capture = cluster.local().capture();
        long forwarder = cluster.local().forwarder().pid();
        long sent = sentBytes(cluster);
        double cpu = Processes.cpuSeconds(forwarder);
        window(databases, point, () -> MasterCost.read(run.master(), DATABASE, List.of(capture.pid())));
        point.forwarderCpuPerSlave().add((Processes.cpuSeconds(forwarder) - cpu) / databases.size());
        point.sentPerSlave().add((double) (sentBytes(cluster) - sent) / databases.size());
    }

    /** Bytes sent to all slaves so far. */
    private static long sentBytes(OurCluster cluster) throws IOException {
        long sum = 0;
        for (JsonNode slave : cluster.local().status().path("slaves")) {
            if (!slave.path("connected").asBoolean()) {
                throw new IllegalStateException(slave.path("name").asText() + " is not connected any more");
            }
            sum += slave.path("bytesSent").asLong();
        }
        return sum;
    }

    /** The load for one window, the mark waited for on each target. */
    private void window(List<String> databases, FanOutPoint point, Cost cost) throws Exception {
        mark++;
        MasterCost before = cost.now();
        point.seconds().add(BenchRun.timed(() -> {
            double took = FanOutTables.load(run.master(), DATABASE, rate, seconds, mark);
            if (took > seconds * 1.1) {
                run.say("the master was late: %d transactions took %.1f s, not %d", rate * seconds, took, seconds);
            }
            awaitMark(databases);
        }));
        point.costs().add(cost.now().since(before));
    }

    /** Five windows' load without pace: then what is measured is not Java compiling itself. */
    private void warmUp(List<String> databases) throws SQLException {
        run.checkpoint();
        mark++;
        FanOutTables.burst(run.master(), DATABASE, 5 * rate * seconds, mark);
        awaitMark(databases);
    }

    private void awaitMark(List<String> databases) throws SQLException {
        for (String database : databases) {
            Workload.awaitMark(run.target(), database, mark);
        }
    }

    private void createMaster() throws SQLException {
        BenchRun.createDatabase(run.master(), DATABASE);
        FanOutTables.createOnMaster(run.master(), DATABASE);
    }

    /** Creates databases on the target until there are so many. */
    private void addDatabases(String side, List<String> databases, int count) throws SQLException {
        for (int i = databases.size(); i < count; i++) {
            String name = DATABASE + "_" + side + "_" + i;
            BenchRun.createDatabase(run.target(), name);
            databases.add(name);
        }
    }

    private void drop(List<String> databases) throws SQLException {
        for (String database : databases) {
            BenchRun.dropDatabase(run.target(), database);
        }
        BenchRun.dropDatabase(run.master(), DATABASE);
    }

    private static String name(int slave) {
        return "fan-" + slave;
    }

    private static FanOutPoint newPoint(int slaves) {
        return new FanOutPoint(slaves, new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    }

    private void say(String side, FanOutPoint point) {
        run.say(
                "fan-out, %d slaves, %s: CPU on the master %s s, WAL read %s MiB, all caught up after %s s",
                point.slaves(),
                side,
                point.cpu().text(),
                point.readMib().text(),
                FanOutPoint.measured(point.seconds()).text());
    }
}
