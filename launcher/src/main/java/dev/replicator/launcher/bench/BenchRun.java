package dev.replicator.launcher.bench;

import dev.replicator.embedded.FileTrees;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** One run of the program: both servers, a directory for our daemons, where progress goes, and the figures so far. */
final class BenchRun implements AutoCloseable {
    private final PrintWriter progress;
    private final Path root;
    private final BenchServer master;
    private final BenchServer target;
    private final Instant began = Instant.now();
    private final List<Figure> figures = new ArrayList<>();
    private int clusters;

    private BenchRun(PrintWriter progress, Path root, BenchServer master, BenchServer target) {
        this.progress = progress;
        this.root = root;
        this.master = master;
        this.target = target;
    }

    /**
     * Opens the servers.
     *
     * @param masterUrl null for an embedded one, as the target's
     */
    static BenchRun open(PrintWriter progress, String masterUrl, String targetUrl) throws IOException {
        Path root = Files.createTempDirectory("replicator-bench-");
        BenchServer master =
                masterUrl == null ? BenchServer.embedded(root.resolve("master")) : BenchServer.given(masterUrl);
        try {
            BenchServer target =
                    targetUrl == null ? BenchServer.embedded(root.resolve("target")) : BenchServer.given(targetUrl);
            return new BenchRun(progress, root, master, target);
        } catch (IOException | RuntimeException e) {
            master.close();
            throw e;
        }
    }

    BenchServer master() {
        return master;
    }

    BenchServer target() {
        return target;
    }

    /** Our daemons over a database of the master, in a directory of their own; none is started. */
    OurCluster cluster(String masterDatabase) throws IOException {
        return new OurCluster(root.resolve("cluster-" + ++clusters), master, masterDatabase, target);
    }

    /** A new database, which must not be there yet: the user's own are never touched. */
    static void createDatabase(BenchServer server, String name) throws SQLException {
        server.execute("postgres", "CREATE DATABASE " + name);
    }

    static void dropDatabase(BenchServer server, String name) throws SQLException {
        server.execute("postgres", "DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
    }

    /** Dirty pages of what came before are not written in somebody's measured time. */
    void checkpoint() throws SQLException {
        master.execute("postgres", "CHECKPOINT");
        target.execute("postgres", "CHECKPOINT");
    }

    void add(Figure figure) {
        figures.add(figure);
    }

    List<Figure> figures() {
        return figures;
    }

    Instant began() {
        return began;
    }

    void say(String format, Object... arguments) {
        long seconds = Duration.between(began, Instant.now()).toSeconds();
        progress.println(String.format(Locale.ROOT, "[%3d:%02d] ", seconds / 60, seconds % 60)
                + String.format(Locale.ROOT, format, arguments));
        progress.flush();
    }

    /** Work whose time is taken. */
    interface Work {
        void run() throws Exception;
    }

    /** Seconds. */
    static double timed(Work work) throws Exception {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }

    @Override
    public void close() throws IOException {
        try {
            master.close();
        } finally {
            target.close();
            FileTrees.delete(root);
        }
    }
}
