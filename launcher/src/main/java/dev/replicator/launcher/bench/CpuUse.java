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
        all.put("master", run.master().cpuSeconds());
        all.put("target", run.target().cpuSeconds());
        return all;
    }
}
