package dev.replicator.launcher.demo;

import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.embedded.FileTrees;
import dev.replicator.launcher.local.LauncherLine;
import dev.replicator.launcher.local.LocalCluster;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code replicator demo}: ends 0 only if every slave's tables equal the master's. */
@Command(
        name = "demo",
        description = "Replicate a live embedded PostgreSQL to two others, disturb it, and prove that they are equal.")
public final class DemoCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--transactions",
            paramLabel = "N",
            defaultValue = "4000",
            description = "Transactions on the master, at least (default: ${DEFAULT-VALUE}).")
    private int transactions;

    @Option(names = "--keep", description = "Leave everything running and say how to look around; end with Ctrl-C.")
    private boolean keep;

    @Override
    public Integer call() throws Exception {
        Path root = Files.createTempDirectory("replicator-demo-");
        DemoConsole console = new DemoConsole(spec.commandLine().getOut());
        boolean equal = false;
        try (EmbeddedPostgres master = server(root, "master");
                EmbeddedPostgres reporting = server(root, "reporting");
                EmbeddedPostgres branch = server(root, "branch");
                LocalCluster cluster = new LocalCluster(root, LauncherLine.current())) {
            console.line("Replicator demo in " + root);
            DemoScript script = new DemoScript(console, cluster, master, reporting, branch, transactions);
            try {
                equal = script.run();
            } catch (IllegalStateException | IOException | java.sql.SQLException e) {
                explain(console.writer(), cluster, e);
                keep |= System.getenv("REPLICATOR_DEMO_KEEP_LOGS") != null;
                return 1;
            }
            verdict(console, equal);
            if (keep) {
                stay(console, script);
            }
        } finally {
            if (equal) {
                FileTrees.delete(root);
            }
        }
        return equal ? 0 : 1;
    }

    private static EmbeddedPostgres server(Path root, String name) throws IOException {
        return EmbeddedPostgres.builder()
                .dataDirectory(root.resolve("postgres-" + name))
                .durable(true)
                .setting("shared_buffers", "128MB")
                .setting("max_connections", "60")
                .start();
    }

    private static void verdict(DemoConsole console, boolean equal) {
        long seconds = console.elapsed().toSeconds();
        console.line("");
        console.line(
                equal
                        ? "All tables of all slaves equal the master's. " + seconds + " s."
                        : "NOT EQUAL: see the table above. Data and logs are kept.");
    }

    private static void explain(PrintWriter out, LocalCluster cluster, Exception e) {
        out.println();
        out.println("The demo failed: " + e.getMessage());
        Stream.of("forwarder", "capture").forEach(name -> {
            var daemon = name.equals("capture") ? cluster.capture() : cluster.forwarder();
            if (daemon != null) {
                out.println("--- last lines of " + daemon.log());
                out.println(daemon.tail(12));
            }
        });
        for (String name : List.of("reporting", "branch")) {
            if (cluster.slave(name) != null) {
                out.println("--- last lines of " + cluster.slave(name).daemon().log());
                out.println(cluster.slave(name).daemon().tail(12));
            }
        }
        out.println("Data and logs are kept in " + cluster.root());
        out.flush();
    }

    private static void stay(DemoConsole console, DemoScript script) throws InterruptedException {
        console.line("");
        console.line("Everything keeps running until Ctrl-C. To look around:");
        script.hints().forEach(hint -> console.line("  " + hint));
        new CountDownLatch(1).await();
    }
}
