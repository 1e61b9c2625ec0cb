package dev.replicator.forwarder;

import dev.replicator.queue.wire.AdminRequest;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.cli.OutputFormat;
import dev.replicator.runtime.cli.ProgressBar;
import dev.replicator.runtime.config.Units;
import dev.replicator.runtime.net.TlsFiles;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** {@code replicator admin}: asks and steers a forwarder. */
@Command(
        name = "admin",
        description = "Ask and steer a forwarder.",
        subcommands = {AdminDumpCommand.class, AdminSlaveCommand.class})
public final class AdminCommand implements Runnable {
    @Option(
            names = "--forwarder",
            scope = ScopeType.INHERIT,
            paramLabel = "HOST:PORT",
            defaultValue = "127.0.0.1:7700",
            description = "The forwarder (default: ${DEFAULT-VALUE}).")
    private String forwarder;

    @Option(
            names = "--token-file",
            scope = ScopeType.INHERIT,
            paramLabel = "FILE",
            description = "File with the admin token.")
    private Path tokenFile;

    @Option(
            names = "--output",
            scope = ScopeType.INHERIT,
            paramLabel = "text|json",
            defaultValue = "text",
            description = "For people or for programs (default: ${DEFAULT-VALUE}).")
    private OutputFormat output;

    @Option(
            names = "--tls-ca",
            scope = ScopeType.INHERIT,
            paramLabel = "FILE",
            description = "Connect by TLS and trust this certificate authority.")
    private Path tlsCa;

    @Option(
            names = "--tls-certificate",
            scope = ScopeType.INHERIT,
            paramLabel = "FILE",
            description = "Client certificate for TLS.")
    private Path tlsCertificate;

    @Option(
            names = "--tls-key",
            scope = ScopeType.INHERIT,
            paramLabel = "FILE",
            description = "Private key of the client certificate.")
    private Path tlsKey;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "Which command? " + spec.subcommands().keySet());
    }

    @Command(name = "status", description = "Master, queue, slaves, tables, dumps.")
    int status() {
        return print(request("status", Map.of(), List.of()), AdminText::status);
    }

    @Command(name = "tables", description = "Replicated tables, who carries each, newest dump.")
    int tables() {
        return print(request("tables", Map.of(), List.of()), AdminText::tables);
    }

    @Command(name = "reload", description = "Re-read the slave files; a broken file changes nothing.")
    int reload() {
        return print(request("reload", Map.of(), List.of()), AdminText::reloaded);
    }

    @Command(
            name = "wait",
            description = "Wait until a slave has applied all that the master had committed when the command began.")
    int await(
            @Option(names = "--slave", required = true, paramLabel = "S", description = "The slave.") String slave,
            @Option(
                            names = "--timeout",
                            defaultValue = "30s",
                            paramLabel = "DURATION",
                            description = "How long (default: ${DEFAULT-VALUE}).")
                    String timeout) {
        AdminRequest request = request("wait", Map.of("slave", slave, "timeoutMillis", millis(timeout)), List.of());
        return follow(request, timeout, AdminText::waited);
    }

    @Command(name = "resume", hidden = true, description = "Short for slave resume.")
    int resume(@Parameters(paramLabel = "S") String slave, @Option(names = "--table") List<String> tables) {
        return print(AdminSlaveCommand.ask("resume", slave, tables), AdminText::outcome);
    }

    @Command(name = "skip", hidden = true, description = "Short for slave skip.")
    int skip(
            @Parameters(paramLabel = "S") String slave,
            @Option(names = "--seq", required = true) long seq,
            @Option(names = "--table") List<String> tables) {
        return print(AdminSlaveCommand.askSkip(slave, seq, tables), AdminText::outcome);
    }

    @Command(name = "resync", hidden = true, description = "Short for slave resync.")
    int resync(@Parameters(paramLabel = "S") String slave, @Option(names = "--table") List<String> tables) {
        return print(AdminSlaveCommand.ask("resync", slave, tables), AdminText::outcome);
    }

    static AdminRequest request(String command, Map<String, String> options, List<String> tables) {
        return AdminRequest.newBuilder()
                .setCommand(command)
                .putAllOptions(options)
                .addAllTables(tables)
                .build();
    }

    /** Runs a command and prints what it answers. */
    int print(AdminRequest request, Function<String, String> text) {
        try (AdminClient client = client()) {
            show(client.run(request), text);
        }
        return 0;
    }

    /** Follows a long command: progress to the error stream, the last document to the output. */
    int follow(AdminRequest request, String timeout, Function<String, String> text) {
        PrintWriter err = spec.commandLine().getErr();
        try (AdminClient client = client();
                ProgressBar bar = new ProgressBar(err, request.getCommand())) {
            String last = client.follow(request, Long.parseLong(millis(timeout)), document -> {
                if (output == OutputFormat.TEXT) {
                    AdminText.progress(bar, document);
                }
            });
            show(last, text);
        }
        return 0;
    }

    static String millis(String timeout) {
        try {
            return Long.toString(Units.duration(timeout).toMillis());
        } catch (IllegalArgumentException e) {
            throw new ReplicatorException(ErrorCode.USAGE, "--timeout: " + e.getMessage(), "", e);
        }
    }

    private void show(String json, Function<String, String> text) {
        PrintWriter out = spec.commandLine().getOut();
        if (output == OutputFormat.JSON) {
            out.println(json);
        } else {
            out.print(text.apply(json));
        }
        out.flush();
    }

    private AdminClient client() {
        if (tokenFile == null) {
            throw new ReplicatorException(
                    ErrorCode.USAGE, "Missing required option: '--token-file=FILE'", "It holds the admin token.");
        }
        boolean tls = tlsCa != null || tlsCertificate != null || tlsKey != null;
        return AdminClient.open(forwarder, tokenFile, tls ? new TlsFiles(tlsCa, tlsCertificate, tlsKey) : null);
    }
}
