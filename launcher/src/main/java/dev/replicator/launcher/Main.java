package dev.replicator.launcher;

import dev.replicator.capture.CaptureCommand;
import dev.replicator.forwarder.AdminCommand;
import dev.replicator.forwarder.ForwarderCommand;
import dev.replicator.launcher.bench.BenchCommand;
import dev.replicator.launcher.demo.DemoCommand;
import dev.replicator.runtime.Exit;
import dev.replicator.runtime.cli.CliErrors;
import dev.replicator.slave.SlaveCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code replicator}. */
@Command(
        name = "replicator",
        description = "Replicates subsets of a database's tables to many databases.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:failed or timed out", "2:usage or configuration", "3:verification found damage"},
        subcommands = {
            CaptureCommand.class,
            ForwarderCommand.class,
            SlaveCommand.class,
            AdminCommand.class,
            PreflightCommand.class,
            QueueCommand.class,
            DemoCommand.class,
            BenchCommand.class,
            CommandLine.HelpCommand.class
        })
public final class Main implements Runnable {
    @Spec
    private CommandSpec spec;

    /** Runs the command line and ends the process with its exit code. */
    public static void main(String[] arguments) {
        Exit.process().exit(commandLine().execute(arguments));
    }

    /** The command line, for this process or for whoever runs commands in its own. */
    public static CommandLine commandLine() {
        CommandLine line = new CommandLine(new Main());
        CommonOptions.addTo(line);
        return CliErrors.install(line);
    }

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "Which command? " + spec.subcommands().keySet());
    }
}
