package dev.replicator.launcher.bench;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code replicator bench fan-out}. */
@Command(
        name = "fan-out",
        description = "What more slaves with different tables cost the master under a fixed load, native and ours.")
final class FanOutCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private BenchOptions options;

    @Option(
            names = "--slaves",
            split = ",",
            defaultValue = "1,4,16,32",
            description = "Numbers of slaves (default: ${DEFAULT-VALUE}).")
    private List<Integer> slaves;

    @Option(
            names = "--rate",
            defaultValue = "300",
            description = "Transactions per second (default: ${DEFAULT-VALUE}).")
    private int rate;

    @Option(names = "--seconds", defaultValue = "10", description = "Length of a load (default: ${DEFAULT-VALUE}).")
    private int seconds;

    @Option(
            names = "--windows",
            defaultValue = "3",
            description = "Loads measured for each number of slaves (default: ${DEFAULT-VALUE}).")
    private int windows;

    @Override
    public Integer call() throws Exception {
        return options.run(
                spec.commandLine().getOut(), spec.commandLine().getErr(), run -> new FanOut(run, rate, seconds, windows)
                        .run(slaves, options.plots()));
    }
}
