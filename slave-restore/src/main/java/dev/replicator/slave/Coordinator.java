package dev.replicator.slave;

import dev.replicator.queue.TableName;
import dev.replicator.queue.wire.SlaveCommand;
import dev.replicator.runtime.Backoff;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.Steps;
import dev.replicator.slave.lane.LaneContext;
import dev.replicator.slave.lane.LaneStatus;
import dev.replicator.slave.postgres.SqlFailures;
import dev.replicator.slave.postgres.TargetSession;
import dev.replicator.slave.restore.RestoreService;
import dev.replicator.slave.state.DumpNeed;
import dev.replicator.slave.state.Journal;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.StateReader;
import dev.replicator.slave.state.StateSchema;
import dev.replicator.slave.state.Transactions;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at the durable state, again and again, and sets going what has to happen next: lanes, dump requests, restores,
 * comparisons, commands. Holds the session lock that keeps a second daemon out (rule R10): everything runs only while that
 * session lives. One thread; {@link #wake} and {@link #command} from any.
 */
final class Coordinator implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(Coordinator.class);
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
    private static final long ASK_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long BLOCKED_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final int CONFLICTS_REPORTED = 100;

    private final SlaveConfig config;
    private final LaneContext context;
    private final LaneFleet lanes;
    private final RestoreService restores;
    private final DumpRequests dumps;
    private final Groups groups;
    private final Commands commands;
    private final ExecutorService comparer;
    private final AtomicBoolean comparing = new AtomicBoolean();
    private final Queue<SlaveCommand> inbox = new ConcurrentLinkedQueue<>();
    private final Backoff backoff = new Backoff(Duration.ofMillis(200), Duration.ofSeconds(5));
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition signal = lock.newCondition();
    private final Runnable published;
    private boolean signalled;
    private volatile boolean stopped;
    private volatile boolean paused;
    private volatile boolean waitsForLock;
    private volatile Snapshot snapshot = Snapshot.nothing("connecting to the database");
    private volatile ReplicatorException failure;
    private long askAfterNanos = System.nanoTime();
    private String forwarderTrouble = "";

    /** @param published called when there is a new snapshot to report */
    Coordinator(SlaveConfig config, Parts parts, Runnable published) {
        this.config = config;
        this.published = published;
        this.context = parts.context(this);
        this.lanes = new LaneFleet(context);
        this.restores = parts.restores(this);
        this.dumps = new DumpRequests(context.channel(), config.slave());
        this.groups = new Groups(context.rows(), context.board());
        this.commands = new Commands(context.rows());
        this.comparer = Executors.newSingleThreadExecutor(task -> RestoreService.daemon(task, "compare"));
    }

    /** What the daemon wires; made here because both sides know each other. */
    interface Parts {
        LaneContext context(Coordinator coordinator);

        RestoreService restores(Coordinator coordinator);
    }

    Snapshot snapshot() {
        return snapshot;
    }

    List<LaneStatus> lanes() {
        return lanes.statuses();
    }

    boolean isPaused() {
        return paused;
    }

    /** Whether another daemon of this slave works on the database: that one speaks for the slave. */
    boolean waitsForLock() {
        return waitsForLock;
    }

    /** Why the daemon cannot go on; null while it does. */
    ReplicatorException failure() {
        return failure;
    }

    void command(SlaveCommand command) {
        inbox.add(command);
        wake();
    }

    /** Makes it look now. */
    void wake() {
        lock.lock();
        try {
            signalled = true;
            signal.signalAll();
        } finally {
            lock.unlock();
        }
    }

    void stop() {
        stopped = true;
        backoff.cancel();
        wake();
    }

    @Override
    public void run() {
        try {
            while (!stopped && session()) {
                LOG.debug("connecting to the database again");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lanes.close();
            restores.close();
            comparer.shutdownNow();
            published.run();
        }
    }

    /** One session on the target; false when the daemon is over. */
    private boolean session() throws InterruptedException {
        try (Connection connection = context.sessions().open("slave " + config.slave())) {
            if (!awaitLock(connection)) {
                return false;
            }
            StateSchema.ensure(connection, config.cluster(), config.slave());
            SlaveState state = Transactions.run(connection, StateReader::read);
            restores.clean(state);
            while (!stopped) {
                tick(connection);
                backoff.reset();
                awaitSignal();
            }
            return false;
        } catch (SQLException e) {
            trouble("the database: " + e.getMessage() + " (SQLSTATE " + e.getSQLState() + ")", e);
        } catch (IOException e) {
            trouble("the work directory: " + e.getMessage(), e);
        } catch (ReplicatorException e) {
            failure = e;
            return false;
        } catch (RuntimeException e) {
            LOG.error("the coordinator failed", e);
            trouble(e.toString(), e);
        } finally {
            // Without the lock nothing may run here: another daemon may have it.
            lanes.close();
        }
        return backoff.pause();
    }

    private boolean awaitLock(Connection connection) throws SQLException, InterruptedException {
        connection.setAutoCommit(true);
        boolean told = false;
        while (!stopped) {
            if (TargetSession.tryLock(connection, config.cluster(), config.slave())) {
                waitsForLock = false;
                return true;
            }
            if (!told) {
                told = true;
                waitsForLock = true;
                String text = "another daemon of slave " + config.slave() + " works on "
                        + config.target().url().split("\\?", 2)[0] + " ("
                        + TargetSession.lockHolder(connection, config.cluster(), config.slave())
                        + "); waiting until it ends. If it is gone or hangs, end its sessions there: "
                        + TargetSession.endOfSessions(config.slave());
                LOG.warn("{}", text);
                // What it knew may be long past: the daemon at work tells positions and states.
                snapshot = Snapshot.nothing(text);
                published.run();
            }
            awaitSignal();
        }
        return false;
    }

    private void trouble(String text, Exception e) {
        LOG.warn("{}; trying again", text);
        LOG.debug("coordinator", e);
        snapshot = snapshot.withError(text);
        published.run();
    }

    private void tick(Connection connection) throws SQLException {
        Steps.reached("slave.looks");
        for (SlaveCommand command = inbox.poll(); command != null; command = inbox.poll()) {
            execute(connection, command);
        }
        SlaveState state = Transactions.run(connection, StateReader::read);
        paused = state.paused();
        lanes.follow(state);
        startAnewIfOrdered(state);
        boolean changed = ask(connection, state);
        changed |= groups.beginLanes(connection, state);
        compare(state);
        restores.start(state);
        publish(connection, changed ? Transactions.run(connection, StateReader::read) : state);
        if (changed) {
            wake();
        }
    }

    private void execute(Connection connection, SlaveCommand command) throws SQLException {
        LOG.info("command {} {} {}", command.getId(), command.getAction(), command.getTablesList());
        try {
            if (commands.execute(connection, command)) {
                paused = Transactions.run(connection, StateReader::read).paused();
                lanes.refresh();
                askAfterNanos = System.nanoTime();
            }
        } catch (SQLException e) {
            // It is repeated until it is acknowledged.
            LOG.warn("command {}: {}", command.getId(), e.getMessage());
            throw e;
        }
    }

    /** A re-sync of all tables is what leads out of a fork: nothing of the old history is needed any more. */
    private void startAnewIfOrdered(SlaveState state) {
        boolean all = state.tables().values().stream().allMatch(table -> table.need() == DumpNeed.FRESH);
        if (lanes.isForked() && all) {
            lanes.startAnew();
        }
    }

    private boolean ask(Connection connection, SlaveState state) throws SQLException {
        boolean mayAsk = state.main().isPresent() && !lanes.isForked() && DumpRequests.hasAny(state);
        if (!mayAsk || System.nanoTime() - askAfterNanos < 0) {
            return false;
        }
        askAfterNanos = System.nanoTime() + ASK_NANOS;
        try {
            boolean begun = dumps.ask(connection, state);
            forwarderTrouble = "";
            return begun;
        } catch (StatusRuntimeException e) {
            forwarderTrouble = "asking the forwarder for dumps: " + e.getStatus();
            LOG.debug("asking for dumps", e);
            return false;
        }
    }

    private void compare(SlaveState state) {
        if (TableStates.mirroredGroups(state).isEmpty() || !comparing.compareAndSet(false, true)) {
            return;
        }
        comparer.execute(() -> {
            try (Connection connection = context.sessions().open("slave " + config.slave() + " compare")) {
                groups.compare(connection, state);
            } catch (SQLException | RuntimeException e) {
                LOG.warn("comparing copies with their tables: {}; trying again", e.getMessage());
            } finally {
                comparing.set(false);
            }
        });
    }

    private void publish(Connection connection, SlaveState state) throws SQLException {
        Map<TableName, Double> progress = new HashMap<>();
        Map<TableName, String> trouble = new HashMap<>();
        for (Restore restore : state.restores().values()) {
            progress.put(restore.table(), restores.progress(restore.table()));
            restores.trouble(restore.table()).ifPresent(text -> trouble.put(restore.table(), text));
        }
        if (!forwarderTrouble.isEmpty()) {
            state.tables().values().stream()
                    .filter(table -> table.need() != DumpNeed.NONE)
                    .forEach(table -> trouble.put(table.table(), forwarderTrouble));
        }
        Map<String, String> blocked = blocked(connection);
        snapshot = Transactions.run(
                connection,
                session -> new Snapshot(
                        state,
                        Journal.newest(session, CONFLICTS_REPORTED),
                        Journal.recentCommands(session),
                        blocked,
                        progress,
                        trouble,
                        ""));
        published.run();
    }

    /** Whom lanes wait for that have been at one transaction for long. */
    private Map<String, String> blocked(Connection connection) throws SQLException {
        Map<String, String> blocked = new HashMap<>();
        for (LaneStatus lane : lanes.statuses()) {
            boolean longBusy = lane.busySinceNanos() != 0 && System.nanoTime() - lane.busySinceNanos() > BLOCKED_NANOS;
            if (longBusy && lane.backendPid() != 0) {
                List<Integer> pids = SqlFailures.blockingPids(connection, lane.backendPid());
                if (!pids.isEmpty()) {
                    blocked.put(
                            lane.lane(),
                            "pid " + pids.stream().map(String::valueOf).collect(Collectors.joining(", ")));
                }
            }
        }
        return blocked;
    }

    private void awaitSignal() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = TICK_NANOS;
            while (!signalled && !stopped && left > 0) {
                left = signal.awaitNanos(left);
            }
            signalled = false;
        } finally {
            lock.unlock();
        }
    }
}
