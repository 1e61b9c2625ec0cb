package dev.replicator.launcher.bench;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code replicator bench initial-sync}. */
@Command(
        name = "initial-sync",
        description = "Time until new slaves hold a copy of the tables and follow the master, native and ours in turn.")
final class InitialSyncCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private BenchOptions options;

    @Option(
            names = "--rows",
            defaultValue = "1000000",
            description = "Rows of the three tables together (default: ${DEFAULT-VALUE}).")
    private long rows;

    @Option(
            names = "--slaves",
            split = ",",
            defaultValue = "1,2,4",
            description = "Numbers of new slaves at once (default: ${DEFAULT-VALUE}).")
    private List<Integer> slaves;

    @Option(names = "--pairs", description = "Measurements of each (default: 3 of one slave, 1 of more).")
    private Integer pairs;

    @Override
    public Integer call() throws Exception {
        CopyTables tables = new CopyTables(rows);
        return options.run(spec.commandLine().getOut(), spec.commandLine().getErr(), run -> {
            InitialSync scenario = new InitialSync(run, tables);
            scenario.prepare();
            for (int count : slaves) {
                scenario.run(count, pairs != null ? pairs : defaultPairs(count), bar(count));
            }
            scenario.drop();
        });
    }

    static int defaultPairs(int slaves) {
        return slaves == 1 ? 3 : 1;
    }

    /** What copying to that many slaves has to reach beside native replication. */
    static Bar bar(int slaves) {
        return switch (slaves) {
            case 1 -> Bar.ratio(3);
            case 4 -> Bar.ratio(6);
            default -> null;
        };
    }
}
