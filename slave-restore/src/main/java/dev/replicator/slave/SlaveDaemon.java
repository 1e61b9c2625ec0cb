package dev.replicator.slave;

import dev.replicator.dumps.DumpStore;
import dev.replicator.queue.wire.SlaveReport;
import dev.replicator.runtime.Daemon;
import dev.replicator.runtime.Health;
import dev.replicator.runtime.HttpServer;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.net.Channels;
import dev.replicator.slave.lane.LaneBoard;
import dev.replicator.slave.lane.LaneContext;
import dev.replicator.slave.postgres.TargetSession;
import dev.replicator.slave.restore.RestoreContext;
import dev.replicator.slave.restore.RestoreService;
import dev.replicator.slave.state.LaneRows;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * The slave: one coordinator, one control link, lanes and restores, wired by hand. Outlives the loss of its database and of
 * the forwarder; everything it has to remember is in the database.
 */
public final class SlaveDaemon implements Daemon {
    private final SlaveConfig config;
    private final CountDownLatch ended = new CountDownLatch(1);
    private ManagedChannel channel;
    private DumpStore store;
    private Coordinator coordinator;
    private ControlLink control;
    private HttpServer http;
    private Thread coordinatorThread;
    private Thread controlThread;

    public SlaveDaemon(SlaveConfig config) {
        this.config = config;
    }

    @Override
    public void start() throws IOException {
        store = DumpStore.open(config.workDirectory().resolve("dumps"));
        channel = Channels.open(
                config.forwarder().address(),
                config.forwarder().token(),
                config.forwarder().tls());
        // Now, beside the database: the first lane will want both.
        channel.getState(true);
        control = new ControlLink(
                channel, this::report, command -> coordinator.command(command), () -> coordinator.waitsForLock());
        coordinator = new Coordinator(config, new Wiring(), control::changed);
        coordinatorThread = RestoreService.daemon(this::coordinate, "slave-coordinator");
        controlThread = RestoreService.daemon(control, "slave-control");
        coordinatorThread.start();
        controlThread.start();
        config.http().ifPresent(address -> http = new HttpServer(address, SlaveMetrics.of(this::report), this::health));
    }

    /** The slave's table set lives at the forwarder: there is nothing to read again here. */
    @Override
    public void reload() {
        coordinator.wake();
    }

    @Override
    public void awaitEnd() throws InterruptedException {
        ended.await();
        ReplicatorException failure = coordinator.failure();
        if (failure != null) {
            throw failure;
        }
    }

    /** What the forwarder is told at this moment. */
    public SlaveReport report() {
        // What follows the question mark may hold a password.
        String target = config.target().url().split("\\?", 2)[0];
        return Reports.of(config.slave(), target, coordinator.snapshot(), coordinator.lanes());
    }

    @Override
    public void close() {
        if (coordinator != null) {
            coordinator.stop();
            join(coordinatorThread);
        }
        if (control != null) {
            control.stop();
            join(controlThread);
        }
        if (http != null) {
            http.close();
        }
        if (channel != null) {
            channel.shutdownNow();
        }
        if (store != null) {
            try {
                store.close();
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
        ended.countDown();
    }

    private void coordinate() {
        try {
            coordinator.run();
        } finally {
            ended.countDown();
        }
    }

    private Health health() {
        SlaveReport report = report();
        boolean ready = report.getState().equals("in-sync") || report.getState().equals("catching-up");
        return new Health(true, ready, report.getState());
    }

    private Connection open(String purpose) throws SQLException {
        SlaveConfig.Target target = config.target();
        String password = target.password() == null ? null : target.password().value();
        return TargetSession.open(target.url(), target.user(), password, purpose);
    }

    private static void join(Thread thread) {
        if (thread == null) {
            return;
        }
        try {
            thread.join(Duration.ofSeconds(10).toMillis());
            if (thread.isAlive()) {
                thread.interrupt();
                thread.join(TimeUnit.SECONDS.toMillis(5));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Parts that need the coordinator as much as it needs them. */
    private final class Wiring implements Coordinator.Parts {
        @Override
        public LaneContext context(Coordinator owner) {
            return new LaneContext(
                    config.cluster(),
                    config.slave(),
                    SlaveDaemon.this::open,
                    channel,
                    new LaneRows(config.cluster()),
                    new LaneBoard(),
                    config.limits(),
                    config.policy(),
                    owner::isPaused,
                    owner::wake);
        }

        @Override
        public RestoreService restores(Coordinator owner) {
            RestoreContext context = new RestoreContext(
                    config.slave(), channel, store, SlaveDaemon.this::open, threads("load"), threads("build"));
            return new RestoreService(context, owner::wake);
        }

        private ExecutorService threads(String name) {
            return Executors.newFixedThreadPool(config.parallel(), task -> RestoreService.daemon(task, name));
        }
    }
}
