package dev.replicator.launcher;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.Finding;
import dev.replicator.runtime.cli.OutputFormat;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code replicator preflight}: everything that is missing before a daemon can do its work, with the fix. */
@Command(
        name = "preflight",
        description = {
            "Finds everything that a daemon misses, in one run, with the fix of each.",
            "Changes nothing. Which daemon the file is for shows from its keys. Exit code 2 if something is missing."
        })
final class PreflightCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--config", required = true, paramLabel = "FILE", description = "The daemon's configuration file.")
    private Path config;

    @Option(names = "--output", defaultValue = "text", description = "text (default) or json.")
    private OutputFormat output;

    @Override
    public Integer call() throws Exception {
        PreflightKind kind = PreflightKind.of(config);
        List<Finding> findings = kind.check(config);
        PrintWriter out = spec.commandLine().getOut();
        if (output == OutputFormat.JSON) {
            writeJson(out, kind, findings);
        } else {
            writeText(out, kind, findings);
        }
        out.flush();
        return findings.stream().anyMatch(Finding::blocking) ? ErrorCode.CONFIGURATION.exitCode() : 0;
    }

    private void writeText(PrintWriter out, PreflightKind kind, List<Finding> findings) {
        out.println("Preflight of the " + kind.daemon() + " daemon with " + config);
        findings.forEach(finding -> {
            out.println(
                    (finding.blocking() ? "MISSING  " : "note     ") + finding.subject() + ": " + finding.problem());
            if (!finding.fix().isEmpty()) {
                finding.fix().lines().forEach(line -> out.println("         " + line));
            }
        });
        long missing = findings.stream().filter(Finding::blocking).count();
        out.println(
                missing == 0
                        ? "Nothing is missing."
                        : missing == 1 ? "1 thing is missing." : missing + " things are missing.");
    }

    private void writeJson(PrintWriter out, PreflightKind kind, List<Finding> findings) throws IOException {
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("daemon", kind.daemon());
        document.put("config", config.toString());
        document.put("findings", findings);
        out.println(
                new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(document));
    }
}
