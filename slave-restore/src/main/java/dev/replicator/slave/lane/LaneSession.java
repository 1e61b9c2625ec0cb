package dev.replicator.slave.lane;

import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.queue.wire.LaneStart;
import dev.replicator.queue.wire.Subscribe;
import dev.replicator.queue.wire.TableSet;
import dev.replicator.queue.wire.WirePositions;
import dev.replicator.runtime.Backoff;
import dev.replicator.runtime.Steps;
import dev.replicator.slave.netting.FallbackMemory;
import dev.replicator.slave.postgres.BatchConflictException;
import dev.replicator.slave.postgres.SqlFailures;
import dev.replicator.slave.postgres.TableException;
import dev.replicator.slave.state.LanePosition;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.Sql;
import dev.replicator.slave.state.TableState;
import dev.replicator.slave.state.Transactions;
import dev.replicator.slave.state.WalPositions;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A lane with one session, one subscription and one set of tables. Any change of these ends it, and the lane begins again
 * from the database. Belongs to the lane's thread, except {@link #refresh}.
 */
final class LaneSession implements Arrangement.Place {
    private static final Logger LOG = LoggerFactory.getLogger(LaneSession.class);

    /** An idle lane makes its position durable this long after the last batch. */
    private static final long FLUSH_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    /** A position that only passed other tables' transactions is stored this often. */
    private static final long PASSED_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Under load a lane counts as in sync while its newest transaction is at most this old. */
    private static final long IN_SYNC_MICROS = TimeUnit.SECONDS.toMicros(10);

    static final Duration TICK = Duration.ofMillis(200);

    private final LaneContext context;
    private final Connection connection;
    private final LaneReporter reporter;
    private final FallbackMemory memory;
    private final SlaveState state;
    private final Intake intake;
    private final FlushTracker flushes = new FlushTracker();
    private LanePlan plan;
    private Position reached;
    private LaneStream stream;
    private Thread reader;
    private volatile boolean refresh;
    private long lastCommitNanos = System.nanoTime();

    LaneSession(
            LaneContext context,
            Connection connection,
            LaneReporter reporter,
            FallbackMemory memory,
            SlaveState state,
            LanePosition lane) {
        this.context = context;
        this.connection = connection;
        this.reporter = reporter;
        this.memory = memory;
        this.state = state;
        this.plan = LaneRules.plan(state, lane);
        this.reached = lane.position();
        this.intake = new Intake(2 * context.limits().bytes());
    }

    void refresh() {
        refresh = true;
        intake.wake();
    }

    static void awaitUnpaused(LaneContext context, BooleanSupplier stopped) throws InterruptedException {
        Backoff tick = new Backoff(TICK, TICK);
        while (context.paused().getAsBoolean() && !stopped.getAsBoolean()) {
            tick.pause();
        }
    }

    /**
     * Applies until the lane's tables change or the operator intervenes.
     *
     * @param carefulThrough transactions up to here are applied one by one; -1 for none
     * @param progress called when a batch was committed
     * @return the same for the next session
     */
    long run(long carefulThrough, BooleanSupplier stopped, Runnable progress)
            throws SQLException, LaneEndException, InterruptedException {
        if (isHeldByConflict()) {
            return carefulThrough;
        }
        if (!subscribe()) {
            return carefulThrough;
        }
        Arrangement arrangement = new Arrangement(context, connection, intake, this);
        boolean careful = plan.lane().position().seq() < carefulThrough;
        Bindings bindings = new Bindings(connection);
        try (BatchTransaction transaction = new BatchTransaction(connection, context.rows(), state, plan);
                ChangeWriter writer = careful
                        ? new CarefulWriter(connection, bindings, context.policy())
                        : new FastWriter(connection, bindings, memory);
                Ahead ahead = new Ahead(plan.lane().lane())) {
            BatchLimits limits = careful ? context.limits().careful() : context.limits();
            while (!stopped.getAsBoolean() && !refresh && !context.paused().getAsBoolean()) {
                if (careful && reached.seq() >= carefulThrough) {
                    return -1;
                }
                Ahead.Taken next = ahead.finish();
                if (next == null && busy(arrangement::step)) {
                    return carefulThrough;
                }
                Steps.reached("lane.ready");
                Batch batch = checked(next == null ? next(limits) : next.batch());
                if (batch == null) {
                    idle();
                } else if (!isWorth(batch)) {
                    reached = batch.end();
                    reporter.position(reached);
                    Steps.reached("lane.passed");
                } else {
                    takeAhead(ahead, batch, limits, writer);
                    Ahead.Taken taken = next == null ? prepared(batch, writer) : next;
                    Failure failure = apply(transaction, taken, () -> piece(ahead, writer), writer, careful);
                    if (failure != null) {
                        return failure.park == null ? failure.carefulThrough : parked(failure, carefulThrough);
                    }
                    progress.run();
                    if (changesTables(batch.event())) {
                        return carefulThrough;
                    }
                }
            }
            return carefulThrough;
        }
    }

    /** Work whose transaction may have to wait for somebody. */
    @FunctionalInterface
    private interface Work<T> {
        T run() throws SQLException, InterruptedException;
    }

    /** While it lasts, the coordinator shows whom it waits for, if for anybody. */
    private <T> T busy(Work<T> work) throws SQLException, InterruptedException {
        reporter.busySince(System.nanoTime());
        try {
            return work.run();
        } finally {
            reporter.busySince(0);
        }
    }

    /** What to do after a rollback: park a table, or be careful up to a transaction. */
    private record Failure(ParkException park, long carefulThrough) {}

    private long parked(Failure failure, long carefulThrough) throws SQLException, InterruptedException {
        ParkException park = failure.park();
        LOG.warn(
                "lane {}: table {} cannot go on at seq {}: {}",
                plan.lane().lane(),
                park.replica().table(),
                park.seq(),
                park.getMessage());
        busy(() -> {
            new Parking(connection, context.rows(), context.policy()).park(plan, park);
            return true;
        });
        context.changed().run();
        return carefulThrough;
    }

    /** Under stop-slave the lane does not run while one of its tables has an unresolved conflict (rule R23). */
    private boolean isHeldByConflict() throws InterruptedException {
        List<TableState> held = state.tablesOf(plan.lane().lane()).stream()
                .filter(table -> table.conflictSeq() > 0 && table.skipSeq() == 0)
                .toList();
        if (held.isEmpty()) {
            return false;
        }
        reporter.state("error", held.get(0).reason());
        while (!refresh) {
            intake.await(context.limits(), -1, TICK);
        }
        return true;
    }

    /** Opens the stream; false when the lane's tables turned out to have changed. */
    private boolean subscribe() throws SQLException, LaneEndException, InterruptedException {
        Subscribe.Builder subscribe = HistoryStart.subscribe(
                        context, plan.lane().lane())
                .setPosition(WirePositions.toWire(plan.lane().position()))
                .setCommitMicros(plan.lane().commitMicros())
                .addAllTables(plan.tables())
                .addAllAwaitedMarkers(plan.awaitedMarkers())
                .addAllCarried(state.tables().keySet().stream()
                        .map(TableName::toString)
                        .toList());
        stream = LaneStream.open(context.channel(), subscribe.build());
        LaneStart start = HistoryStart.answer(stream);
        adopt(WirePositions.fromWire(start.getPosition()));
        if (plan.lane().isMain() && start.hasTableSet() && changesTables(start.getTableSet())) {
            return false;
        }
        LaneFilter filter = new LaneFilter(plan, state, start.getTableSet());
        RecordDecoder decoder =
                new RecordDecoder(filter, intake, context.limits().bytes());
        reader = new Thread(
                new StreamReader(plan.lane().lane(), stream, decoder, intake),
                "decode-" + plan.lane().lane());
        reader.setDaemon(true);
        reader.start();
        if (plan.lane().isMain()) {
            context.board().mainAt(reached, intake::wake);
        }
        reporter.state("catching-up", "");
        return true;
    }

    /** A lane that begins at a dump's base does not know the LSN there; the forwarder does. */
    private void adopt(Position start) throws SQLException {
        Position own = plan.lane().position();
        if (own.lsn() == 0 && start.seq() == own.seq() && start.lsn() != 0) {
            context.rows().advance(connection, plan.lane(), start, 0);
            connection.commit();
            moved(start);
        }
    }

    private Batch next(BatchLimits limits) throws InterruptedException {
        intake.await(limits, plan.lane().isMain() ? context.board().limit() : Long.MAX_VALUE, TICK);
        return take(limits, plan.lane().isMain());
    }

    private Batch take(BatchLimits limits, boolean main) {
        return main
                ? context.board().nextForMain(limit -> intake.take(limits, limit))
                : intake.take(limits, Long.MAX_VALUE);
    }

    private static Batch checked(Batch batch) throws LaneEndException {
        if (batch != null && batch.event() instanceof LaneItem.Broken broken && batch.end() == null) {
            throw HistoryStart.broken(broken.reason());
        }
        return batch;
    }

    /**
     * While the database is busy with a batch, the next one is taken and prepared, if a whole one waits, so that the tail is
     * never far from what is applied.
     */
    private void takeAhead(Ahead ahead, Batch current, BatchLimits limits, ChangeWriter writer) {
        boolean main = plan.lane().isMain();
        if (!current.isOrdinary()
                || !intake.isFull(limits)
                || !HandOverRules.mayTakeAhead(plan, state, context.board())) {
            return;
        }
        ChangeWriter.Preparation preparation = writer.preparation();
        if (preparation != null) {
            ahead.begin(() -> {
                Batch batch = take(limits, main);
                Ahead.Taken taken = batch == null ? null : new Ahead.Taken(batch, preparation.of(batch));
                Steps.reached("lane.ahead-prepared");
                return taken;
            });
            Steps.reached("lane.ahead-begun");
        }
    }

    /** Before its transaction begins, so that nothing is locked while it is made. */
    private static Ahead.Taken prepared(Batch batch, ChangeWriter writer) {
        ChangeWriter.Preparation preparation = writer.preparation();
        return new Ahead.Taken(batch, preparation == null ? null : preparation.of(batch));
    }

    /** The next piece of a large transaction. While the database is busy with it, the one behind it is prepared. */
    private Ahead.Taken piece(Ahead ahead, ChangeWriter writer) throws InterruptedException, LaneEndException {
        Ahead.Taken prepared = ahead.finish();
        Ahead.Taken piece = prepared == null ? new Ahead.Taken(intake.takeNext(), null) : prepared;
        if (piece.batch().event() instanceof LaneItem.Broken broken) {
            throw HistoryStart.broken(broken.reason());
        }
        ChangeWriter.Preparation preparation = writer.preparation();
        if (piece.batch().open() && preparation != null) {
            ahead.begin(() -> {
                Batch next = intake.takeNext();
                Ahead.Taken taken = new Ahead.Taken(next, preparation.of(next));
                Steps.reached(taken.prepared() == null ? "lane.piece-taken" : "lane.piece-prepared");
                return taken;
            });
        }
        return piece;
    }

    private static boolean isWorth(Batch batch) {
        return batch.hasChanges() || batch.event() != null;
    }

    private Failure apply(
            BatchTransaction transaction,
            Ahead.Taken taken,
            BatchTransaction.Pieces pieces,
            ChangeWriter writer,
            boolean careful)
            throws SQLException, InterruptedException, LaneEndException {
        reporter.busySince(System.nanoTime());
        Batch batch = taken.batch();
        boolean done = false;
        try {
            WalPositions log = transaction.run(plan, taken, endOf(batch), pieces, writer, careful);
            acknowledge(flushes.observe(log.insert(), log.flushed()));
            committed(batch);
            done = true;
            return broken(batch);
        } catch (BatchConflictException e) {
            LOG.info("lane {}: {}; replaying the batch row by row", plan.lane().lane(), e.getMessage());
            memory.fellBack(e.tables());
            return new Failure(null, batch.end().seq());
        } catch (TableException e) {
            return new Failure(null, batch.end().seq());
        } catch (ParkException e) {
            return new Failure(e, 0);
        } catch (UncheckedIOException e) {
            throw HistoryStart.broken(e.getCause());
        } catch (SQLException e) {
            SqlFailures.Kind kind = SqlFailures.classify(e);
            boolean rows = kind == SqlFailures.Kind.CONFLICT || kind == SqlFailures.Kind.TABLE_ERROR;
            if (careful || !rows || batch.end() == null) {
                throw e;
            }
            LOG.info("lane {}: {}; replaying the batch row by row", plan.lane().lane(), e.getSQLState());
            return new Failure(null, batch.end().seq());
        } finally {
            reporter.busySince(0);
            if (!done) {
                abandon(transaction, writer);
            }
        }
    }

    /** A connection that is lost needs no rollback; why it was lost is on its way already. */
    private void abandon(BatchTransaction transaction, ChangeWriter writer) {
        try {
            transaction.abandon(writer);
        } catch (SQLException e) {
            LOG.debug("lane {}: rolling back", plan.lane().lane(), e);
            Transactions.close(connection);
        }
    }

    /** A stream that broke behind this batch ends the session now that the batch is in. */
    private Failure broken(Batch batch) throws LaneEndException {
        if (batch.event() instanceof LaneItem.Broken broken) {
            throw HistoryStart.broken(broken.reason());
        }
        return null;
    }

    /** An event alone happens where the lane has passed to, which may be further than what is stored. */
    private Position endOf(Batch batch) {
        return batch.end() == null ? reached : batch.end();
    }

    private void committed(Batch batch) {
        Position end = endOf(batch);
        moved(end);
        flushes.committed(end);
        if (batch.transactions() > 0 || batch.open()) {
            long lag = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now()) - batch.commitMicros();
            reporter.lag(lag);
            reporter.state(lag < IN_SYNC_MICROS ? "in-sync" : "catching-up", "");
        }
        if (batch.event() instanceof LaneItem.Settled settled) {
            settle(settled);
        }
    }

    private void settle(LaneItem.Settled settled) {
        Map<Integer, List<Replica>> replicas = new HashMap<>(plan.replicas());
        replicas.replaceAll((id, list) -> list.stream()
                .map(replica -> settled.replicas().stream()
                                .anyMatch(other -> other.relation().equals(replica.relation()))
                        ? replica.settled()
                        : replica)
                .toList());
        plan = new LanePlan(plan.lane(), replicas);
    }

    private void moved(Position position) {
        plan = plan.at(plan.lane().at(position));
        reached = position;
        lastCommitNanos = System.nanoTime();
        reporter.position(position);
    }

    private void acknowledge(Position durable) {
        if (durable != null) {
            stream.acknowledge(durable);
            reporter.durable(durable);
        }
    }

    /** Nothing to apply: what was applied is made durable, and a position that only passed is stored. */
    private void idle() throws SQLException {
        reporter.state("in-sync", "");
        long since = System.nanoTime() - lastCommitNanos;
        boolean passed = !reached.equals(plan.lane().position());
        if (flushes.isWaiting() && since >= FLUSH_NANOS || passed && since >= PASSED_NANOS) {
            storePosition();
        }
    }

    @Override
    public LanePlan plan() {
        return plan;
    }

    @Override
    public SlaveState state() {
        return state;
    }

    @Override
    public Position reached() {
        return reached;
    }

    @Override
    public boolean isInterrupted() {
        return refresh;
    }

    /** Stores where the lane stands and waits for the disk: everything committed before is durable with it. */
    @Override
    public void storePosition() throws SQLException {
        Sql.execute(connection, "SET LOCAL synchronous_commit = local");
        context.rows().advance(connection, plan.lane(), reached, 0);
        connection.commit();
        moved(reached);
        flushes.committed(reached);
        acknowledge(flushes.allDurable());
    }

    private boolean changesTables(LaneItem event) throws SQLException, InterruptedException {
        if (event instanceof LaneItem.NewSchema schema) {
            busy(() -> {
                new TableSetChange(connection, context.rows()).apply(plan, schema.schema());
                return true;
            });
            context.changed().run();
            return true;
        }
        return event instanceof LaneItem.NewTableSet set && plan.lane().isMain() && changesTables(set.tableSet());
    }

    private boolean changesTables(TableSet set) throws SQLException, InterruptedException {
        boolean changed = busy(() -> new TableSetChange(connection, context.rows()).apply(plan, set));
        if (changed) {
            context.changed().run();
        }
        return changed;
    }

    /** Ends the subscription; the connection is the caller's. */
    void end() throws InterruptedException {
        intake.close(); // first: whoever still takes ahead finds nothing, and the board is left alone
        if (plan.lane().isMain()) {
            context.board().mainAt(null, () -> {});
        } else {
            context.board().withdraw(plan.lane().lane());
        }
        if (stream != null) {
            stream.close();
        }
        if (reader != null) {
            reader.interrupt();
            reader.join(Duration.ofSeconds(5).toMillis());
        }
    }
}
