package dev.replicator.launcher;

import dev.replicator.capture.CaptureCommand;
import dev.replicator.forwarder.AdminCommand;
import dev.replicator.forwarder.ForwarderCommand;
import dev.replicator.launcher.bench.BenchCommand;
import dev.replicator.launcher.demo.DemoCommand;
import dev.replicator.runtime.Exit;
import dev.replicator.runtime.cli.CliErrors;
import dev.replicator.slave.SlaveCommand;
import java.util.LinkedHashMap;
import java.util.Map;
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
        exitCodeList = {"0:done", "1:failed or timed out", "2:usage or configuration", "3:verification found damage"})
public final class Main implements Runnable {
    private static final Map<String, Class<?>> COMMANDS = new LinkedHashMap<>();

    static {
        COMMANDS.put("capture", CaptureCommand.class);
        COMMANDS.put("forwarder", ForwarderCommand.class);
        COMMANDS.put("slave", SlaveCommand.class);
        COMMANDS.put("admin", AdminCommand.class);
        COMMANDS.put("preflight", PreflightCommand.class);
        COMMANDS.put("queue", QueueCommand.class);
        COMMANDS.put("demo", DemoCommand.class);
        COMMANDS.put("bench", BenchCommand.class);
        COMMANDS.put("help", CommandLine.HelpCommand.class);
    }

    @Spec
    private CommandSpec spec;

    /** Runs the command line and ends the process with its exit code. */
    public static void main(String[] arguments) {
        Exit.process().exit(commandLine(arguments).execute(arguments));
    }

    /** The command line that these arguments need: a daemon that starts does not wait for the other commands' classes. */
    private static CommandLine commandLine(String[] arguments) {
        Class<?> only = arguments.length == 0 || arguments[0].equals("help") ? null : COMMANDS.get(arguments[0]);
        return only == null ? commandLine() : commandLine(Map.of(arguments[0], only));
    }

    /** The command line, for this process or for whoever runs commands in its own. */
    public static CommandLine commandLine() {
        return commandLine(COMMANDS);
    }

    private static CommandLine commandLine(Map<String, Class<?>> commands) {
        CommandLine line = new CommandLine(new Main());
        commands.forEach(line::addSubcommand);
        CommonOptions.addTo(line);
        return CliErrors.install(line);
    }

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "Which command? " + spec.subcommands().keySet());
    }
}
