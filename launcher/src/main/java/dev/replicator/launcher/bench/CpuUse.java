package dev.replicator.launcher.bench;

import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;

/** CPU seconds of servers and daemons between two moments. */
final class CpuUse {
    private final BenchRun run;
    private final Map<String, Double> before;

    private CpuUse(BenchRun run, Map<String, Double> daemons) throws IOException {
        this.run = run;
        this.before = all(daemons);
    }

    /** @param daemons CPU seconds so far by name */
    static CpuUse begin(BenchRun run, Map<String, Double> daemons) throws IOException {
        return new CpuUse(run, daemons);
    }

    /** Used since then, by name; a process that was started since then with all it has used. Rounded to 10 ms. */
    Map<String, Double> used(Map<String, Double> daemons) throws IOException {
        Map<String, Double> used = new TreeMap<>();
        all(daemons).forEach((name, seconds) -> used.put(name, since(name, seconds)));
        return used;
    }

    private double since(String name, double seconds) {
        return Math.round((seconds - before.getOrDefault(name, 0.0)) * 100) / 100.0;
    }

    private Map<String, Double> all(Map<String, Double> daemons) throws IOException {
        Map<String, Double> all = new TreeMap<>(daemons);
        putKnown(all, "master", run.master());
        putKnown(all, "target", run.target());
        return all;
    }

    /** A server that is not ours, on another machine perhaps, has no entry: 0 would be taken for its use. */
    private static void putKnown(Map<String, Double> all, String name, BenchServer server) throws IOException {
        double seconds = server.cpuSeconds();
        if (!Double.isNaN(seconds)) {
            all.put(name, seconds);
        }
    }
}
