package dev.replicator.forwarder;

import dev.replicator.queue.wire.AdminRequest;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code replicator admin slave}. */
@Command(name = "slave", description = "Slaves: list, show, conflicts, forget, pause, resume, skip, resync.")
final class AdminSlaveCommand implements Runnable {
    @ParentCommand
    private AdminCommand admin;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "Which command? " + spec.subcommands().keySet());
    }

    @Command(name = "list", description = "All slaves.")
    int list() {
        return admin.print(AdminCommand.request("slave list", Map.of(), List.of()), AdminText::slaves);
    }

    @Command(name = "show", description = "One slave with its tables, lanes and patterns.")
    int show(@Parameters(paramLabel = "S") String slave) {
        return admin.print(ask("show", slave, null), AdminText::slave);
    }

    @Command(name = "conflicts", description = "Conflicts the slave met.")
    int conflicts(@Parameters(paramLabel = "S") String slave) {
        return admin.print(ask("conflicts", slave, null), AdminText::conflicts);
    }

    @Command(name = "forget", description = "Forget a slave's positions; it holds nothing any more.")
    int forget(@Parameters(paramLabel = "S") String slave) {
        return admin.print(ask("forget", slave, null), AdminText::outcome);
    }

    @Command(name = "pause", description = "Stop applying; the queue is kept for the slave.")
    int pause(@Parameters(paramLabel = "S") String slave) {
        return admin.print(ask("pause", slave, null), AdminText::outcome);
    }

    @Command(name = "resume", description = "Go on after a pause, or try parked tables again.")
    int resume(
            @Parameters(paramLabel = "S") String slave,
            @Option(names = "--table", paramLabel = "T", description = "A parked table; may be repeated.")
                    List<String> tables) {
        return admin.print(ask("resume", slave, tables), AdminText::outcome);
    }

    @Command(name = "skip", description = "Drop one transaction's changes of the parked tables and go on.")
    int skip(
            @Parameters(paramLabel = "S") String slave,
            @Option(names = "--seq", required = true, paramLabel = "N", description = "The transaction.") long seq,
            @Option(names = "--table", paramLabel = "T", description = "A parked table; may be repeated.")
                    List<String> tables) {
        return admin.print(askSkip(slave, seq, tables), AdminText::outcome);
    }

    @Command(name = "resync", description = "Restore tables from a new dump; readers keep the old rows until then.")
    int resync(
            @Parameters(paramLabel = "S") String slave,
            @Option(names = "--table", paramLabel = "T", description = "A table; may be repeated. Default: all.")
                    List<String> tables) {
        return admin.print(ask("resync", slave, tables), AdminText::outcome);
    }

    static AdminRequest askSkip(String slave, long seq, List<String> tables) {
        Map<String, String> options = Map.of("slave", slave, "seq", Long.toString(seq));
        return AdminCommand.request("slave skip", options, tables == null ? List.of() : tables);
    }

    static AdminRequest ask(String action, String slave, List<String> tables) {
        return AdminCommand.request("slave " + action, Map.of("slave", slave), tables == null ? List.of() : tables);
    }
}
