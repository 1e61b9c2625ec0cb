package dev.replicator.capture;

import dev.replicator.capture.postgres.Publication;
import dev.replicator.capture.postgres.Slot;
import dev.replicator.capture.postgres.SourceSessions;
import dev.replicator.queue.store.QueueLockedException;
import dev.replicator.runtime.DaemonMain;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code replicator capture}. */
@Command(
        name = "capture",
        mixinStandardHelpOptions = true,
        description = "Reads the master's log and hands its transactions to the forwarder.")
public final class CaptureCommand implements Callable<Integer> {
    private static final int ANSWER_SECONDS = 60;

    @Spec
    private CommandSpec spec;

    @Option(names = "--config", required = true, paramLabel = "FILE", description = "capture.yaml")
    private Path configFile;

    @Option(
            names = "--new-epoch",
            description = "After lost continuity: show what is unknown, ask, begin a new history, and go on.")
    private boolean newEpoch;

    @Option(names = "--yes", description = "With --new-epoch: do not ask.")
    private boolean yes;

    @Option(names = "--drop", description = "Remove replication slot and publication from the master, and end.")
    private boolean drop;

    @Option(names = "--verbose", description = "Show stack traces.")
    private boolean verbose;

    @Override
    public Integer call() throws Exception {
        if (newEpoch && drop) {
            throw usage("--new-epoch and --drop exclude each other");
        }
        if (yes && !newEpoch) {
            throw usage("--yes goes with --new-epoch");
        }
        CaptureConfig config = CaptureConfig.load(configFile);
        if (drop) {
            return dropFromMaster(config);
        }
        if (newEpoch && !beginNewEpoch(config)) {
            return ErrorCode.REFUSED.exitCode();
        }
        return DaemonMain.run("capture", file -> new CaptureDaemon(file, CaptureConfig.load(file)), configFile);
    }

    private static ReplicatorException usage(String message) {
        return new ReplicatorException(ErrorCode.USAGE, message, "Try 'replicator capture --help'.");
    }

    private boolean beginNewEpoch(CaptureConfig config) throws IOException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        try (NewEpoch epoch = NewEpoch.open(config, sessions(config))) {
            out.println(epoch.unknownRange());
            out.println(
                    "A new epoch gives every slave new dumps of all its tables; until then they keep their old rows.");
            out.flush();
            if (!yes && !confirmed(out)) {
                out.println("Nothing was changed.");
                out.flush();
                return false;
            }
            out.println("Begun: " + epoch.begin() + ".");
            out.flush();
            return true;
        } catch (SQLException e) {
            throw failed("beginning a new epoch", config, e);
        } catch (QueueLockedException e) {
            throw new ReplicatorException(
                    ErrorCode.REFUSED,
                    "beginning a new epoch: " + e.getMessage(),
                    "Stop the running capture first; this one then takes its place.",
                    e);
        }
    }

    private static boolean confirmed(PrintWriter out) throws IOException {
        if (System.console() == null) {
            throw usage("--new-epoch asks, and there is no terminal: give --yes to go on without");
        }
        out.print("Begin a new epoch? Type yes: ");
        out.flush();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String answer = in.readLine();
        return answer != null && answer.trim().toLowerCase(Locale.ROOT).equals("yes");
    }

    private int dropFromMaster(CaptureConfig config) {
        Slot slot = new Slot(config.source().slot());
        Publication publication = new Publication(config.source().publication());
        try (Connection sql = sessions(config).open("replicator capture drop", ANSWER_SECONDS)) {
            SlotOwnership.check(sql, slot);
            slot.drop(sql);
            publication.drop(sql);
        } catch (SQLException e) {
            throw failed("removing slot " + slot.name() + " and publication " + publication.name(), config, e);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println("Removed slot " + slot.name() + " and publication " + publication.name() + ".");
        out.flush();
        return 0;
    }

    private static SourceSessions sessions(CaptureConfig config) {
        CaptureConfig.Source source = config.source();
        return new SourceSessions(source.url(), source.user(), source.password().value());
    }

    private static ReplicatorException failed(String what, CaptureConfig config, SQLException e) {
        return new ReplicatorException(
                SourceSessions.isWeather(e) ? ErrorCode.UNAVAILABLE : ErrorCode.FAILED,
                what + " on " + sessions(config).target() + ": " + e.getMessage() + " (SQLSTATE " + e.getSQLState()
                        + ")",
                "55006".equals(e.getSQLState()) ? "Stop the capture daemon first." : "",
                e);
    }
}
