package dev.replicator.slave.lane;

import dev.replicator.runtime.Backoff;
import dev.replicator.slave.netting.FallbackMemory;
import dev.replicator.slave.postgres.SqlFailures;
import dev.replicator.slave.state.LaneMovedException;
import dev.replicator.slave.state.LanePosition;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.Sql;
import dev.replicator.slave.state.StateReader;
import dev.replicator.slave.state.Transactions;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One lane: reads its position and tables from the target, applies until something changes or breaks, and begins again.
 * Nothing it remembers outlives a failure except how careful to be. Runs on a thread of its own; ends by itself when its
 * row is gone or parked.
 */
public final class Lane implements Runnable, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Lane.class);

    private final String name;
    private final LaneContext context;
    private final LaneReporter reporter;
    private final Backoff backoff = new Backoff(Duration.ofMillis(100), Duration.ofSeconds(5));
    private final FallbackMemory memory = new FallbackMemory();
    private final Thread thread;
    private volatile boolean stopped;
    private volatile boolean finished;
    private volatile boolean forked;
    private volatile LaneSession session;
    private volatile Connection current;
    private long carefulThrough = -1;
    private volatile boolean startAnew;

    public Lane(String name, LaneContext context) {
        this.name = name;
        this.context = context;
        this.reporter = new LaneReporter(name, context.changed());
        this.thread = new Thread(this, "lane-" + name);
        this.thread.setDaemon(true);
    }

    public void start() {
        thread.start();
    }

    public LaneStatus status() {
        return reporter.status();
    }

    /** True once it has ended: its row is gone, parked, or it was closed. */
    public boolean isFinished() {
        return finished;
    }

    /** Makes it look at its row, its tables and {@code paused} again after the current batch. */
    public void refresh() {
        LaneSession running = session;
        if (running != null) {
            running.refresh();
        }
    }

    @Override
    public void run() {
        try {
            while (!stopped && attempt()) {
                LOG.debug("lane {} begins again from the database", name);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            context.board().withdraw(name);
            finished = true;
            context.changed().run();
        }
    }

    /** One session; false when the lane is over. */
    private boolean attempt() throws InterruptedException {
        Connection connection = null;
        try {
            connection = context.sessions().open("slave " + context.slave() + " lane " + name);
            current = connection;
            connection.setAutoCommit(false);
            SlaveState state = Transactions.run(connection, Lane::readDurably);
            Optional<LanePosition> lane = state.lane(name);
            if (lane.isEmpty() && !LanePosition.MAIN.equals(name)
                    || lane.filter(LanePosition::parked).isPresent()) {
                return false;
            }
            work(connection, state, lane);
            backoff.reset();
        } catch (LaneMovedException e) {
            LOG.info("lane {}: {}; reading it again", name, e.getMessage());
            return backoff.pause();
        } catch (SQLException e) {
            return weather("the database: " + describe(e), e);
        } catch (LaneEndException e) {
            return refused(e);
        } catch (RuntimeException e) {
            LOG.error("lane {} failed", name, e);
            return weather(e.toString(), e);
        } finally {
            session = null;
            current = null;
            if (connection != null) {
                Transactions.close(connection);
            }
        }
        return true;
    }

    /**
     * Reads the state and makes sure that all of it is on disk: a transaction that has an id waits for its commit record, and
     * for all before it.
     */
    private static SlaveState readDurably(Connection session) throws SQLException {
        Sql.query(session, row -> 0, "SELECT pg_current_xact_id()");
        return StateReader.read(session);
    }

    private void work(Connection connection, SlaveState state, Optional<LanePosition> lane)
            throws SQLException, LaneEndException, InterruptedException {
        reporter.session(
                SqlFailures.backendPid(connection),
                lane.map(LanePosition::position).orElse(null),
                lane.map(row -> LaneRules.plan(state, row).tables()).orElse(List.of()));
        if (lane.isEmpty() || startAnew) {
            new HistoryStart(context, connection).begin(lane);
            startAnew = false;
            forked = false;
            context.changed().run();
            return;
        }
        if (context.paused().getAsBoolean()) {
            reporter.state("paused", "");
            LaneSession.awaitUnpaused(context, this::isStopped);
            return;
        }
        LaneSession begun = new LaneSession(context, connection, reporter, memory, state, lane.get());
        session = begun;
        try {
            carefulThrough = begun.run(carefulThrough, this::isStopped, backoff::reset);
        } finally {
            begun.end();
        }
    }

    private boolean isStopped() {
        return stopped;
    }

    private boolean refused(LaneEndException e) throws InterruptedException {
        boolean main = LanePosition.MAIN.equals(name);
        switch (e.refusal()) {
            case "needs-resync", "new-epoch" -> {
                reporter.state("needs-resync", e.getMessage());
                LOG.warn("lane {}: {} ({})", name, e.refusal(), e.getMessage());
                startAnew = true;
                return main ? backoff.pause() : dropLane(e);
            }
            case "forked" -> {
                if (!main) {
                    return dropLane(e);
                }
                forked = true;
                return weather(
                        "the forwarder's history is not the one this slave follows: " + e.getMessage()
                                + "; `resync` the slave",
                        e);
            }
            case "not-yet" -> {
                reporter.state("connecting", "the forwarder is not ready yet: " + e.getMessage());
                return backoff.pause();
            }
            default -> {
                return weather(e.getMessage(), e);
            }
        }
    }

    /** A side lane that cannot be served: its tables wait for new dumps, the others are not touched (rule R17). */
    private boolean dropLane(LaneEndException e) throws InterruptedException {
        startAnew = false;
        try (Connection connection = context.sessions().open("slave " + context.slave() + " lane " + name)) {
            new HistoryStart(context, connection).dropSideLane(name, e.getMessage());
            context.changed().run();
            return true;
        } catch (SQLException failure) {
            return weather("the database: " + describe(failure), failure);
        }
    }

    private boolean weather(String what, Exception e) throws InterruptedException {
        if (stopped) {
            return false;
        }
        reporter.state("connecting", what);
        LOG.warn("lane {}: {}; trying again", name, what);
        LOG.debug("lane {}", name, e);
        return backoff.pause();
    }

    private static String describe(SQLException e) {
        return SqlFailures.describe(e);
    }

    /** Makes the main lane begin at the forwarder's tail with all tables waiting for dumps, at the next attempt. */
    public void startAnew() {
        startAnew = true;
        refresh();
    }

    /** Whether the forwarder refused it for following another history. */
    public boolean isForked() {
        return forked;
    }

    /** Tells it to end without waiting for it. */
    public void requestStop() {
        stopped = true;
        backoff.cancel();
        refresh();
        thread.interrupt();
    }

    /** Ends it. A statement that does not come back, waiting for a reader's lock for one, loses its session. */
    @Override
    public void close() {
        requestStop();
        try {
            thread.join(Duration.ofSeconds(2).toMillis());
            Connection busy = current;
            if (thread.isAlive() && busy != null) {
                busy.abort(Runnable::run);
                thread.join(Duration.ofSeconds(3).toMillis());
            }
        } catch (SQLException e) {
            LOG.debug("lane {}: ending its session", name, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
