package dev.replicator.forwarder;

import dev.replicator.runtime.DaemonMain;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code replicator forwarder}. */
@Command(
        name = "forwarder",
        description = {
            "Run the forwarder: hold the queue and the dumps, serve slaves.",
            "SIGTERM stops in order, SIGHUP re-reads the slave files."
        })
public final class ForwarderCommand implements Callable<Integer> {
    @Option(names = "--config", required = true, paramLabel = "FILE", description = "forwarder.yaml")
    private Path config;

    @Override
    public Integer call() {
        return DaemonMain.run("forwarder", file -> new ForwarderDaemon(ForwarderConfig.load(file)), config);
    }
}
