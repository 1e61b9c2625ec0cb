package dev.replicator.launcher.bench;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code replicator bench}: measurements side by side with native replication. */
@Command(
        name = "bench",
        description = "Measure Replicator beside PostgreSQL's own logical replication in one run.",
        subcommands = {CatchUpCommand.class, InitialSyncCommand.class, FanOutCommand.class, LagCommand.class})
public final class BenchCommand implements Callable<Integer> {
    /** Of the full backlogs, meant to keep all scenarios together below half an hour on two cores. */
    private static final double SIZE = 0.25;

    private static final int PAIRS = 3;
    private static final int LAG_SECONDS = 5;
    /** What the bar of one slave was set for. */
    private static final long ROWS = 2_000_000;
    /** More slaves copy less: native takes minutes then. */
    private static final long ROWS_OF_SEVERAL = 700_000;

    private static final int FAN_OUT_RATE = 300;
    private static final int FAN_OUT_SECONDS = 6;
    private static final int FAN_OUT_WINDOWS = 2;

    @Spec
    private CommandSpec spec;

    @Mixin
    private BenchOptions options;

    @Option(names = "--all", description = "All scenarios with smaller sizes.")
    private boolean all;

    private boolean failed;

    @Override
    public Integer call() throws Exception {
        if (!all) {
            throw new ParameterException(
                    spec.commandLine(), "Which scenario? " + spec.subcommands().keySet() + ", or --all");
        }
        int code = options.run(spec.commandLine().getOut(), spec.commandLine().getErr(), this::everything);
        return failed ? 1 : code;
    }

    /** What fails is told and left out: the other figures are not lost with it. */
    private void everything(BenchRun run) throws Exception {
        for (CatchUp.From from : CatchUp.From.values()) {
            for (String name : Workloads.NAMES) {
                attempt(run, "catch-up, " + name, () -> new CatchUp(
                                run, Workloads.named(name, SIZE), from, CatchUpCommand.defaultAway(from))
                        .run(PAIRS, CatchUpBars.of(from, name)));
            }
        }
        attempt(run, "lag", () -> new Lag(run, LAG_SECONDS).run(Lag.SETTINGS, Lag.RATES, options.plots()));
        attempt(run, "initial-sync", () -> firstCopies(run, ROWS, 1));
        attempt(run, "initial-sync of several", () -> firstCopies(run, ROWS_OF_SEVERAL, 2, 4));
        attempt(run, "fan-out", () -> new FanOut(run, FAN_OUT_RATE, FAN_OUT_SECONDS, FAN_OUT_WINDOWS)
                .run(List.of(1, 4, 16, 32), options.plots()));
    }

    private static void firstCopies(BenchRun run, long rows, int... counts) throws Exception {
        InitialSync copies = new InitialSync(run, new CopyTables(rows));
        copies.prepare();
        for (int slaves : counts) {
            copies.run(slaves, InitialSyncCommand.defaultPairs(slaves), InitialSyncCommand.bar(slaves));
        }
        copies.drop();
    }

    private void attempt(BenchRun run, String name, BenchRun.Work scenario) throws InterruptedException {
        try {
            scenario.run();
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception e) {
            failed = true;
            run.say("%s FAILED: %s", name, e);
        }
    }
}
