package dev.replicator.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs a daemon in the foreground until it is told to stop: TERM and INT end it in order, HUP makes it reload.
 *
 * <p>If the environment variable {@code REPLICATOR_READY_FILE} names a file, it is written once the daemon is ready and
 * removed when it ends; the init scripts wait for it.
 */
public final class DaemonMain {
    /** One second less than promised to operators, because the process needs some time to go, too. */
    static final Duration STOP_LIMIT = Duration.ofSeconds(19);

    /** As a shell reports a process that TERM has ended. */
    private static final int EXIT_TERMINATED = 143;

    private static final Logger LOG = LoggerFactory.getLogger(DaemonMain.class);

    private final String name;
    private final Signals signals;
    private final Exit exit;
    private final Duration stopLimit;
    private final Optional<Path> readyFile;
    private final AtomicBoolean stopping = new AtomicBoolean();
    private final CountDownLatch stopped = new CountDownLatch(1);

    DaemonMain(String name, Signals signals, Exit exit, Duration stopLimit, Optional<Path> readyFile) {
        this.name = name;
        this.signals = signals;
        this.exit = exit;
        this.stopLimit = stopLimit;
        this.readyFile = readyFile;
    }

    /**
     * Runs the daemon until it ends.
     *
     * @param name how the daemon is called in messages, such as {@code capture}
     * @return the exit code: 0 after an orderly stop
     * @throws ReplicatorException if the daemon could not start or failed; the command line prints it
     */
    public static int run(String name, DaemonFactory factory, Path config) {
        Optional<Path> readyFile = Optional.ofNullable(System.getenv("REPLICATOR_READY_FILE"))
                .filter(file -> !file.isBlank())
                .map(Path::of);
        return new DaemonMain(name, Signals.process(), Exit.process(), STOP_LIMIT, readyFile).run(factory, config);
    }

    int run(DaemonFactory factory, Path config) {
        Thread runner = Thread.currentThread();
        signals.on("TERM", () -> stop(runner, "TERM"));
        signals.on("INT", () -> stop(runner, "INT"));
        try (Daemon daemon = factory.create(config)) {
            signals.on("HUP", () -> reload(daemon));
            daemon.start();
            LOG.atInfo().addKeyValue("config", config).log("{} is ready", name);
            writeReadyFile();
            daemon.awaitEnd();
        } catch (Exception e) {
            if (!stopping.get()) {
                throw failure(e);
            }
            LOG.debug("Stopped while it was {}", e.toString());
        } finally {
            // An interruption was for awaitEnd; it must not cut short whatever the caller does next.
            Thread.interrupted();
            removeReadyFile();
            stopped.countDown();
        }
        LOG.info("{} has stopped", name);
        return 0;
    }

    private void stop(Thread runner, String signal) {
        if (stopping.compareAndSet(false, true)) {
            LOG.atInfo().addKeyValue("signal", signal).log("{} is stopping", name);
            Thread watchdog = new Thread(this::endIfStuck, "stop-watchdog");
            watchdog.setDaemon(true);
            watchdog.start();
            runner.interrupt();
        }
    }

    /** What is durable is so at every moment: a daemon that does not come to its end in time may be cut off. */
    private void endIfStuck() {
        try {
            if (!stopped.await(stopLimit.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("{} did not stop within {} s and is ended now", name, stopLimit.toSeconds());
                removeReadyFile();
                exit.halt(EXIT_TERMINATED);
            }
        } catch (InterruptedException ignored) {
            Thread.currentThread().interrupt();
        }
    }

    private void reload(Daemon daemon) {
        try {
            LOG.atInfo().addKeyValue("signal", "HUP").log("{} reads its table sets again", name);
            daemon.reload();
        } catch (Exception e) {
            LOG.error("{} could not reload and goes on as it was: {}", name, e.getMessage());
            LOG.debug("Reload failed", e);
        }
    }

    private ReplicatorException failure(Exception e) {
        LOG.debug("{} failed", name, e);
        if (e instanceof ReplicatorException known) {
            return known;
        }
        if (e instanceof InterruptedException) {
            return new ReplicatorException(ErrorCode.FAILED, name + " was interrupted", "", e);
        }
        return new ReplicatorException(
                ErrorCode.INTERNAL,
                name + " failed: " + e,
                "Run it again with --verbose to see where, and report it with that output.",
                e);
    }

    private void writeReadyFile() {
        readyFile.ifPresent(file -> {
            try {
                Files.writeString(file, ProcessHandle.current().pid() + "\n");
            } catch (IOException e) {
                LOG.warn("Cannot write the file {} that says that {} is ready: {}", file, name, e.toString());
            }
        });
    }

    private void removeReadyFile() {
        readyFile.ifPresent(file -> {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                LOG.warn("Cannot remove {}: {}", file, e.toString());
            }
        });
    }
}
