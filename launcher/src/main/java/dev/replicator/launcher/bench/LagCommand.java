package dev.replicator.launcher.bench;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code replicator bench lag}. */
@Command(
        name = "lag",
        description = "Time from a commit on the master to the commit on the slave at given loads, native and ours in"
                + " turn on the same servers.")
final class LagCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private BenchOptions options;

    @Option(
            names = "--rate",
            split = ",",
            paramLabel = "R",
            description = "Transactions per second; half: half of what the master can do, measured first (default:"
                    + " 100, 500, 1000, 2000, half).")
    private List<String> rates = Lag.RATES;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            defaultValue = "8",
            description = "Length of one measurement, behind a warm-up of 3 s (default: ${DEFAULT-VALUE}).")
    private int seconds;

    @Option(
            names = "--synchronous-commit",
            split = ",",
            paramLabel = "on|off",
            description = "Setting of the writers on the master (default: both).")
    private List<String> settings = Lag.SETTINGS;

    @Override
    public Integer call() throws Exception {
        check("--rate", rates, "half|[1-9][0-9]{0,5}", "half or transactions per second");
        check("--synchronous-commit", settings, "on|off", "on or off");
        check("--seconds", List.of(Integer.toString(seconds)), "[1-9][0-9]*", "at least 1");
        return options.run(spec.commandLine().getOut(), spec.commandLine().getErr(), run -> new Lag(run, seconds)
                .run(settings, rates, options.plots()));
    }

    private void check(String option, List<String> values, String pattern, String expected) {
        for (String value : values) {
            if (!value.matches(pattern)) {
                throw new ParameterException(spec.commandLine(), option + " has '" + value + "'; expected " + expected);
            }
        }
    }
}
