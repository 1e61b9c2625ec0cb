package dev.replicator.forwarder;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code replicator admin dump}. */
@Command(name = "dump", description = "Dumps: request, list, drop, cancel.")
final class AdminDumpCommand implements Runnable {
    @ParentCommand
    private AdminCommand admin;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "Which command? " + spec.subcommands().keySet());
    }

    @Command(name = "request", description = "Ask the master for new dumps; prints their ids.")
    int request(
            @Option(names = "--table", paramLabel = "T", description = "A table; may be repeated.") List<String> tables,
            @Option(names = "--full", description = "All tables (of the slave's set).") boolean full,
            @Option(names = "--slave", paramLabel = "S", description = "Restore them to this slave when ready.")
                    String slave,
            @Option(names = "--wait", description = "Wait until they are complete (and restored).") boolean wait,
            @Option(
                            names = "--timeout",
                            defaultValue = "1h",
                            paramLabel = "DURATION",
                            description = "How long --wait waits (default: ${DEFAULT-VALUE}).")
                    String timeout) {
        boolean named = tables != null && !tables.isEmpty();
        if (named == full) {
            throw new ParameterException(spec.commandLine(), "Give either --table (repeatable) or --full.");
        }
        Map<String, String> options = new HashMap<>();
        options.put("full", Boolean.toString(full));
        if (slave != null) {
            options.put("slave", slave);
        }
        List<String> names = named ? tables : List.of();
        if (!wait) {
            return admin.print(AdminCommand.request("dump request", options, names), AdminText::dumpIds);
        }
        options.put("timeoutMillis", AdminCommand.millis(timeout));
        return admin.follow(AdminCommand.request("dump request", options, names), timeout, AdminText::dumpIds);
    }

    @Command(name = "list", description = "All dumps.")
    int list() {
        return admin.print(AdminCommand.request("dump list", Map.of(), List.of()), AdminText::dumps);
    }

    @Command(name = "drop", description = "Remove a dump from the cache.")
    int drop(@Parameters(paramLabel = "ID") String id) {
        return admin.print(AdminCommand.request("dump drop", Map.of("id", id), List.of()), AdminText::outcome);
    }

    @Command(name = "cancel", description = "End a dump that is requested or running.")
    int cancel(@Parameters(paramLabel = "ID") String id) {
        return admin.print(AdminCommand.request("dump cancel", Map.of("id", id), List.of()), AdminText::outcome);
    }
}
