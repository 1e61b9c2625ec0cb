package dev.replicator.launcher.local;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** One daemon as a process of its own, output appended to a log file. May be started again after it ended. */
public final class DaemonProcess implements AutoCloseable {
    private static final Duration STOP_LIMIT = Duration.ofSeconds(25);

    private final String name;
    private final List<String> command;
    private final Path log;
    private Process process;

    /**
     * @param name for messages
     * @param command the whole command line
     * @param log file that gets standard output and error
     */
    public DaemonProcess(String name, List<String> command, Path log) {
        this.name = name;
        this.command = new ArrayList<>(command);
        this.log = log;
    }

    /** Starts it; refuses when it is running. */
    public void start() throws IOException {
        if (isAlive()) {
            throw new IllegalStateException(name + " is running already, pid " + process.pid());
        }
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        process = builder.start();
        process.getOutputStream().close();
    }

    public boolean isAlive() {
        return process != null && process.isAlive();
    }

    public long pid() {
        return process.pid();
    }

    public String name() {
        return name;
    }

    public Path log() {
        return log;
    }

    /** Sends SIGKILL and waits until the process is gone. */
    public void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    /**
     * Sends SIGTERM and waits.
     *
     * @return its exit code
     * @throws IllegalStateException when it has not ended within 25 seconds; it is killed then
     */
    public int stop() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
            kill();
            throw new IllegalStateException(name + " did not end within " + STOP_LIMIT.toSeconds() + " s of SIGTERM");
        }
        return process.exitValue();
    }

    /** Waits for the process to end by itself; empty when it has not within the limit. */
    public java.util.OptionalInt awaitExit(Duration limit) throws InterruptedException {
        return process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)
                ? java.util.OptionalInt.of(process.exitValue())
                : java.util.OptionalInt.empty();
    }

    /** The last lines of the log, for diagnostics. */
    public String tail(int lines) {
        try {
            List<String> all = Files.readAllLines(log, StandardCharsets.UTF_8);
            return String.join("\n", all.subList(Math.max(0, all.size() - lines), all.size()));
        } catch (IOException e) {
            return "(no log at " + log + ": " + e.getMessage() + ")";
        }
    }

    @Override
    public void close() {
        if (isAlive()) {
            process.destroy();
            try {
                if (!process.waitFor(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
                Thread.currentThread().interrupt();
            }
        }
    }
}
