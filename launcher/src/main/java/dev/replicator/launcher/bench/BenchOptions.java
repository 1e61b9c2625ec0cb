package dev.replicator.launcher.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Options of every scenario. */
final class BenchOptions {
    @Option(
            names = "--master",
            paramLabel = "URL",
            description = "JDBC URL of the master, with user and password of a superuser; default: an embedded server.")
    private String master;

    @Option(names = "--target", paramLabel = "URL", description = "The same for the target.")
    private String target;

    @Option(names = "--output", defaultValue = "text", description = "text or json (default: ${DEFAULT-VALUE}).")
    private String output;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the figures as JSON into this file too.")
    private Path json;

    @Option(names = "--plots", paramLabel = "DIRECTORY", description = "Write plots (SVG) into this directory.")
    private Path plots;

    /** One scenario's work. */
    interface Scenario {
        void run(BenchRun run) throws Exception;
    }

    /** Opens servers, runs, prints. Progress goes to standard output, or beside JSON to standard error. */
    int run(PrintWriter out, PrintWriter errors, Scenario scenario) throws Exception {
        try (BenchRun run = open(output.equals("json") ? errors : out)) {
            scenario.run(run);
            BenchReport report = new BenchReport(run);
            if (json != null) {
                report.writeJson(json);
            }
            if (output.equals("json")) {
                out.println(report.json());
            } else {
                out.println(report.table());
            }
            out.flush();
            return 0;
        }
    }

    /** Where plots go, or null. */
    Path plots() {
        return plots;
    }

    private BenchRun open(PrintWriter progress) throws IOException {
        return BenchRun.open(progress, master, target);
    }
}
