package dev.replicator.slave;

import dev.replicator.runtime.DaemonMain;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code replicator slave}: the daemon beside a slave's database. */
@Command(
        name = "slave",
        mixinStandardHelpOptions = true,
        description = "Restores dumps into a slave's database and applies the master's changes to it.")
public final class SlaveCommand implements Callable<Integer> {
    @Option(names = "--config", required = true, paramLabel = "FILE", description = "The slave's configuration file.")
    private Path config;

    @Option(names = "--verbose", description = "Show stack traces.")
    private boolean verbose;

    @Override
    public Integer call() {
        return DaemonMain.run("slave", file -> new SlaveDaemon(SlaveConfig.load(file)), config);
    }

    /** Whether stack traces are wanted; read by the launcher's error printer through the parsed options. */
    boolean isVerbose() {
        return verbose;
    }
}
