package dev.replicator.launcher;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code replicator queue}: looks into a queue's directory, read-only, also while a daemon has it open. */
@Command(
        name = "queue",
        description = "Look into a replication queue on disk, also while a daemon has it open.",
        subcommands = {QueueDescribe.class, QueueVerify.class, QueueList.class, QueueShow.class, QueueExport.class})
public final class QueueCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "Which queue command? " + spec.subcommands().keySet());
    }
}
