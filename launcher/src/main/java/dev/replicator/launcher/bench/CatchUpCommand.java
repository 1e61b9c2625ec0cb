package dev.replicator.launcher.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.embedded.FileTrees;
import dev.replicator.launcher.local.LauncherLine;
import dev.replicator.launcher.local.LocalCluster;
import dev.replicator.runtime.cli.TextTable;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code replicator bench catch-up}. */
@Command(
        name = "catch-up",
        description =
                "Time until a slave that was away equals the master, native and ours in turn on the same servers.")
final class CatchUpCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--transactions", defaultValue = "100000", description = "Backlog (default: ${DEFAULT-VALUE}).")
    private int transactions;

    @Option(names = "--pairs", defaultValue = "3", description = "Measurements of each (default: ${DEFAULT-VALUE}).")
    private int pairs;

    @Option(names = "--scale", defaultValue = "5", description = "pgbench scale factor (default: ${DEFAULT-VALUE}).")
    private int scale;

    @Option(
            names = "--away",
            defaultValue = "stopped",
            description =
                    "Our slave's daemon was stopped, or paused as native's subscription is (default: ${DEFAULT-VALUE}).")
    private CatchUp.Away away;

    @Option(names = "--output", defaultValue = "text", description = "text or json (default: ${DEFAULT-VALUE}).")
    private String output;

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        Path root = Files.createTempDirectory("replicator-bench-");
        try (EmbeddedPostgres master = server(root.resolve("master"));
                EmbeddedPostgres target = server(root.resolve("target"));
                LocalCluster cluster = new LocalCluster(root, LauncherLine.current())) {
            PrintWriter progress = output.equals("json") ? spec.commandLine().getErr() : out;
            CatchUp bench = new CatchUp(progress, master, target, cluster, new TpcbWorkload(scale), transactions, away);
            bench.run(pairs);
            print(out, bench);
        }
        FileTrees.delete(root);
        return 0;
    }

    private void print(PrintWriter out, CatchUp bench) throws IOException {
        double ratio = bench.nativeSeconds().median() / bench.ourSeconds().median();
        if (output.equals("json")) {
            ObjectMapper json = new ObjectMapper();
            ObjectNode node = json.createObjectNode();
            node.put("scenario", "catch-up").put("from", "queue").put("workload", "tpcb");
            node.put("away", away.name().toLowerCase(Locale.ROOT));
            node.put("transactions", transactions).put("scale", scale).put("ratio", ratio);
            node.putPOJO("nativeSeconds", bench.nativeSeconds().values());
            node.putPOJO("replicatorSeconds", bench.ourSeconds().values());
            out.println(json.writeValueAsString(node));
            return;
        }
        TextTable table = new TextTable(
                "catch-up from queue, tpcb, slave " + away.name().toLowerCase(Locale.ROOT),
                "median s",
                "least s",
                "most s");
        row(table, "native logical replication", bench.nativeSeconds());
        row(table, "replicator", bench.ourSeconds());
        out.println(table);
        out.println(
                String.format(Locale.ROOT, "ratio native / replicator: %.2f (above 1 = replicator is faster)", ratio));
        out.println(
                "both sides: fsync on, full_page_writes on; native applies with its default synchronous_commit = off");
    }

    private static void row(TextTable table, String name, Measured measured) {
        table.row(name, decimal(measured.median()), decimal(measured.least()), decimal(measured.most()));
    }

    private static String decimal(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }

    private static EmbeddedPostgres server(Path directory) throws IOException {
        return EmbeddedPostgres.builder()
                .dataDirectory(directory)
                .durable(true)
                .setting("shared_buffers", "1GB")
                .setting("max_wal_size", "8GB")
                .start();
    }
}
