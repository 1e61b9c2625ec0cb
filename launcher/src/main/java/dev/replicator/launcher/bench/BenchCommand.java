package dev.replicator.launcher.bench;

import picocli.CommandLine.Command;

/** {@code replicator bench}: measurements side by side with native replication. */
@Command(
        name = "bench",
        description = "Measure Replicator beside PostgreSQL's own logical replication in one run.",
        subcommands = {CatchUpCommand.class, InitialSyncCommand.class, FanOutCommand.class, LagCommand.class})
public final class BenchCommand {}
