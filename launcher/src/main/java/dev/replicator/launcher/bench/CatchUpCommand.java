package dev.replicator.launcher.bench;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code replicator bench catch-up}. */
@Command(
        name = "catch-up",
        description =
                "Time until a slave that was away equals the master, native and ours in turn on the same servers.")
final class CatchUpCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private BenchOptions options;

    @Option(
            names = "--from",
            defaultValue = "queue",
            description = "Where our backlog lies: in the master's wal or the forwarder's queue (default: queue).")
    private CatchUp.From from;

    @Option(
            names = "--workload",
            split = ",",
            description = "tpcb, insert-only, wide-updates, sysbench, huge-transaction, hot-rows (default: all).")
    private List<String> workloads = Workloads.NAMES;

    @Option(names = "--pairs", defaultValue = "3", description = "Measurements of each (default: ${DEFAULT-VALUE}).")
    private int pairs;

    @Option(
            names = "--size",
            defaultValue = "1.0",
            description = "Share of the full backlogs, 0.1 = a tenth (default: ${DEFAULT-VALUE}).")
    private double size;

    @Option(
            names = "--away",
            description = "stopped: our daemon's process was ended; paused: it lived on, as native's server does"
                    + " (default: the slave stopped, capture paused).")
    private CatchUp.Away away;

    @Override
    public Integer call() throws Exception {
        return options.run(spec.commandLine().getOut(), spec.commandLine().getErr(), run -> {
            for (String name : workloads) {
                CatchUp.Away how = away != null ? away : defaultAway(from);
                new CatchUp(run, Workloads.named(name, size), from, how).run(pairs, CatchUpBars.of(from, name));
            }
        });
    }

    static CatchUp.Away defaultAway(CatchUp.From from) {
        return from == CatchUp.From.QUEUE ? CatchUp.Away.STOPPED : CatchUp.Away.PAUSED;
    }
}
