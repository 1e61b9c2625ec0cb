package dev.replicator.runtime.cli;

import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import java.io.PrintWriter;
import picocli.CommandLine;

/**
 * Prints errors of commands: what was attempted, on what, why, what to do, and with {@code --verbose} the stack trace. Gives the
 * exit codes 1 (failed), 2 (usage or configuration) and 3 (damage).
 */
public final class CliErrors {
    private static final String VERBOSE = "--verbose";

    private CliErrors() {}

    /** Makes a command line and all its subcommands report errors this way. */
    public static CommandLine install(CommandLine commandLine) {
        return commandLine
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler((e, arguments) -> usage(e))
                .setExecutionExceptionHandler((e, command, parsed) -> {
                    boolean verbose = parsed.hasMatchedOption(VERBOSE)
                            || command.getParseResult() != null
                                    && command.getParseResult().hasMatchedOption(VERBOSE)
                            || parsed.asCommandLineList().stream()
                                    .anyMatch(each -> each.getParseResult().hasMatchedOption(VERBOSE));
                    return print(command.getErr(), e, verbose);
                });
    }

    /**
     * Prints an error.
     *
     * @return the exit code
     */
    public static int print(PrintWriter err, Throwable thrown, boolean verbose) {
        ReplicatorException known = thrown instanceof ReplicatorException e ? e : null;
        if (known != null) {
            err.println("replicator: " + known.getMessage());
            if (!known.hint().isEmpty()) {
                err.println("  " + known.hint());
            }
        } else {
            err.println("replicator: unexpected error: " + thrown);
            if (!verbose) {
                err.println("  Run it again with --verbose to see where.");
            }
        }
        if (verbose) {
            thrown.printStackTrace(err);
        }
        err.flush();
        return (known == null ? ErrorCode.INTERNAL : known.code()).exitCode();
    }

    private static int usage(CommandLine.ParameterException e) {
        CommandLine command = e.getCommandLine();
        PrintWriter err = command.getErr();
        err.println("replicator: " + e.getMessage());
        CommandLine.UnmatchedArgumentException.printSuggestions(e, err);
        err.println("  Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
        err.flush();
        return ErrorCode.USAGE.exitCode();
    }
}
