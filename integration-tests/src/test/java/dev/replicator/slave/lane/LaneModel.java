package dev.replicator.slave.lane;

import dev.replicator.forwarder.ForwarderModel;
import dev.replicator.forwarder.LaneMessage;
import dev.replicator.forwarder.LaneStreamModel;
import dev.replicator.queue.Position;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.store.StoredRecord;
import dev.replicator.queue.wire.LaneStart;
import dev.replicator.queue.wire.Subscribe;
import dev.replicator.queue.wire.TableSet;
import dev.replicator.queue.wire.WirePositions;
import dev.replicator.simulation.MemoryDatabase;
import dev.replicator.simulation.World;
import dev.replicator.slave.postgres.BatchConflictException;
import dev.replicator.slave.postgres.ConflictPolicy;
import dev.replicator.slave.postgres.TableException;
import dev.replicator.slave.state.LaneMovedException;
import dev.replicator.slave.state.LanePosition;
import dev.replicator.slave.state.LaneRows;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.Sql;
import dev.replicator.slave.state.StateReader;
import dev.replicator.slave.state.Transactions;
import dev.replicator.slave.state.WalPositions;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * One lane of a slave daemon in the model check: {@link Lane} and {@link LaneSession} without threads and waiting. What is
 * applied, parked, joined and changed over is decided and written by the product's classes.
 */
public final class LaneModel {
    private static final BatchLimits LIMITS = new BatchLimits(3, Duration.ZERO, 1 << 20);
    private static final int AHEAD = 8;

    private final World world;
    private final String slave;
    private final String name;
    private final MemoryDatabase database;
    private final LaneRows rows;
    private final LaneBoard board;

    private boolean finished;
    private boolean startAnew;
    private boolean forked;
    private long carefulThrough = -1;
    private Position durable;
    private String state = "connecting";

    // A session.
    private Connection connection;
    private SlaveState read;
    private LanePlan plan;
    private Position reached;
    private Intake intake;
    private int waiting;
    private LaneFilter filter;
    private LaneStreamModel stream;
    private boolean decoderStopped;
    private boolean careful;
    /** A batch that was taken while the one before it was applied. */
    private Batch inHand;

    private RowWriter writer;
    private BatchTransaction transaction;
    private HandOver handOver;
    private FlushTracker flushes;
    private boolean offered;
    private boolean refresh;

    public LaneModel(World world, String slave, String name, MemoryDatabase database, LaneRows rows, LaneBoard board) {
        this.world = world;
        this.slave = slave;
        this.name = name;
        this.database = database;
        this.rows = rows;
        this.board = board;
    }

    private void log(Supplier<String> what) {
        world.log(slave + " lane " + name, what);
    }

    public boolean isFinished() {
        return finished;
    }

    public boolean isForked() {
        return forked;
    }

    public void startAnew() {
        startAnew = true;
        refresh = true;
    }

    public void refresh() {
        refresh = true;
    }

    public LaneStatus status() {
        return new LaneStatus(name, state, "", reached, durable, List.of(), 0, 0, 0);
    }

    /** The process or its session ends. */
    public void close() {
        end();
        board.withdraw(name);
    }

    private boolean isMain() {
        return LanePosition.MAIN.equals(name);
    }

    /** One step: begins a session, receives, or works. */
    public boolean step(int choice) {
        try {
            if (finished) {
                return false;
            }
            if (connection == null) {
                return attempt();
            }
            if (refresh) {
                end();
                return true;
            }
            if (choice % 2 == 0) {
                return receive() || work();
            }
            return work() || receive();
        } catch (LaneMovedException e) {
            log(() -> e.getMessage());
            end();
            return true;
        } catch (SQLException e) {
            log(() -> "the database: " + e.getMessage());
            end();
            return true;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private boolean attempt() throws SQLException, IOException {
        if (!world.forwarder().isRunning()) {
            return false;
        }
        refresh = false;
        Connection opened = database.connect();
        opened.setAutoCommit(false);
        SlaveState now = Transactions.run(opened, session -> {
            Sql.query(session, row -> 0, "SELECT pg_current_xact_id()");
            return StateReader.read(session);
        });
        Optional<LanePosition> lane = now.lane(name);
        if (lane.isEmpty() && !isMain() || lane.filter(LanePosition::parked).isPresent()) {
            finished = true;
            return true;
        }
        if (lane.isEmpty() || startAnew) {
            return begin(opened, lane);
        }
        durable = lane.get().position();
        if (now.paused() || isHeld(now)) {
            return false;
        }
        connection = opened;
        read = now;
        plan = LaneRules.plan(now, lane.get());
        reached = lane.get().position();
        return subscribe();
    }

    private boolean isHeld(SlaveState now) {
        return now.tablesOf(name).stream().anyMatch(table -> table.conflictSeq() > 0 && table.skipSeq() == 0);
    }

    private boolean begin(Connection opened, Optional<LanePosition> old) throws SQLException, IOException {
        ForwarderModel.Subscription answer = world.forwarder()
                .subscribe(slave, Subscribe.newBuilder().setLane(name).build());
        if (answer.stream() == null) {
            return refused(answer.refused());
        }
        Position start = WirePositions.fromWire(answer.stream().start().getPosition());
        answer.stream().close();
        HistoryStart.beginAt(opened, rows, old, start);
        startAnew = false;
        forked = false;
        log(() -> "begins a history at " + start);
        return true;
    }

    private boolean subscribe() throws SQLException, IOException {
        Subscribe subscribe = Subscribe.newBuilder()
                .setLane(name)
                .setPosition(WirePositions.toWire(plan.lane().position()))
                .addAllTables(plan.tables())
                .addAllAwaitedMarkers(plan.awaitedMarkers())
                .addAllCarried(
                        read.tables().keySet().stream().map(TableName::toString).toList())
                .build();
        ForwarderModel.Subscription answer = world.forwarder().subscribe(slave, subscribe);
        if (answer.stream() == null) {
            end();
            return refused(answer.refused());
        }
        stream = answer.stream();
        intake = new Intake(Long.MAX_VALUE);
        flushes = new FlushTracker();
        LaneStart start = stream.start();
        adopt(WirePositions.fromWire(start.getPosition()));
        if (isMain() && start.hasTableSet() && changesTables(start.getTableSet())) {
            end();
            return true;
        }
        filter = new LaneFilter(plan, read, start.getTableSet());
        if (isMain()) {
            board.mainAt(reached, () -> {});
        }
        handOver = new HandOver(connection, rows);
        transaction = new BatchTransaction(connection, rows, read, plan);
        careful = plan.lane().position().seq() < carefulThrough;
        writer = new RowWriter(database, careful);
        state = "catching-up";
        log(() -> "subscribes at " + reached + " for " + plan.tables() + (careful ? ", careful" : ""));
        return true;
    }

    private void adopt(Position start) throws SQLException {
        Position own = plan.lane().position();
        if (own.lsn() == 0 && start.seq() == own.seq() && start.lsn() != 0) {
            rows.advance(connection, plan.lane(), start, 0);
            connection.commit();
            moved(start);
        }
    }

    private boolean refused(LaneStart refusal) throws SQLException {
        log(() -> "is refused: " + refusal.getRefusal() + ", " + refusal.getDetail());
        switch (refusal.getRefusal()) {
            case "needs-resync", "new-epoch" -> {
                startAnew = true;
                state = "needs-resync";
                return isMain() || dropLane(refusal);
            }
            case "forked" -> {
                if (!isMain()) {
                    return dropLane(refusal);
                }
                boolean news = !forked;
                forked = true;
                return news;
            }
            default -> {
                return false;
            }
        }
    }

    private boolean dropLane(LaneStart refusal) throws SQLException {
        startAnew = false;
        HistoryStart.dropSideLane(database.connect(), rows, name, refusal.getRefusal());
        return true;
    }

    // Receiving: RecordDecoder and StreamReader.

    private boolean receive() throws IOException {
        if (decoderStopped || waiting > AHEAD) {
            return false;
        }
        LaneMessage message = stream.take();
        if (message == null) {
            return false;
        }
        if (message instanceof LaneMessage.Transaction record) {
            transaction(record);
        } else if (message instanceof LaneMessage.Schema record) {
            if (filter.changesTables(record.schema(), record.seq())) {
                put(new LaneItem.NewSchema(record.seq(), record.schema()));
                decoderStopped = true;
            }
        } else if (message instanceof LaneMessage.Marker record) {
            List<Replica> settled = filter.settle(record.text());
            if (!settled.isEmpty()) {
                put(new LaneItem.Settled(record.seq(), settled));
            }
        } else if (message instanceof LaneMessage.Passed passed) {
            put(new LaneItem.Passed(passed.position(), 0));
        } else if (message instanceof LaneMessage.Tables tables) {
            filter.select(TableSetChange.selection(tables.set()));
            put(new LaneItem.NewTableSet(tables.set().getAtSeq(), tables.set()));
        } else if (message instanceof LaneMessage.Ended ended) {
            put(new LaneItem.Broken(Long.MAX_VALUE, new IOException(ended.reason())));
            decoderStopped = true;
        }
        return true;
    }

    private void transaction(LaneMessage.Transaction record) {
        RecordHeader header = record.header();
        intake.knowThrough(header.seq() - 1);
        List<ChangeRun> runs = new ArrayList<>();
        for (StoredRecord.TableChanges block : record.blocks()) {
            for (Replica replica : filter.targets(block.tableId(), header.seq(), header.transactionId())) {
                runs.add(new ChangeRun(replica, world.schema(block.tableId()), header.seq(), copied(block.changes())));
            }
        }
        put(new LaneItem.Piece(header.position(), header.commitMicros(), runs, 0, true, true));
    }

    private static List<RowChange> copied(List<RowChange> changes) {
        return changes.stream()
                .map(change -> new RowChange(change.kind(), clone(change.before()), clone(change.after())))
                .toList();
    }

    private static Object[] clone(Object[] image) {
        return image == null ? null : image.clone();
    }

    private void put(LaneItem item) {
        try {
            intake.put(item);
            waiting++;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    // Working: LaneSession and Arrangement.

    private boolean work() throws SQLException {
        if (careful && reached.seq() >= carefulThrough) {
            carefulThrough = -1;
            end();
            return true;
        }
        if (offered) {
            return answered();
        }
        Batch batch = inHand;
        inHand = null;
        if (batch == null) {
            if (isMain() ? arrangeMain() : arrangeSide()) {
                end();
                return true;
            }
            if (offered) {
                return true;
            }
            batch = take();
        }
        if (batch == null) {
            return idle();
        }
        if (batch.event() instanceof LaneItem.Broken && batch.end() == null) {
            end();
        } else if (!batch.hasChanges() && batch.event() == null) {
            reached = batch.end();
        } else {
            apply(batch);
        }
        return true;
    }

    private Batch take() {
        BatchLimits limits = careful ? LIMITS.careful() : LIMITS;
        waiting = 0;
        return isMain() ? board.nextForMain(limit -> intake.take(limits, limit)) : intake.take(limits, Long.MAX_VALUE);
    }

    /** Ahead: what it prepares is left to the tests on a real server. */
    private void takeAhead(Batch current) {
        if (current.isOrdinary()
                && !careful
                && intake.isFull(LIMITS)
                && HandOverRules.mayTakeAhead(plan, read, board)) {
            inHand = take();
        }
    }

    private boolean arrangeMain() throws SQLException {
        LanePosition here = plan.lane();
        Optional<String> group = board.takeCompared();
        if (group.isPresent() && handOver.finishResync(here, group.get())) {
            log(() -> "rewrites the tables of " + group.get() + " (P1) at " + here.position());
            return true;
        }
        Optional<LanePosition> offer = board.firstOffer();
        if (offer.isPresent() && intake.isDrainedThrough(offer.get().position().seq())) {
            try {
                boolean joined = handOver.join(here, offer.get());
                log(() -> "lane " + offer.get().lane() + (joined ? " joins" : " cannot join") + " at "
                        + offer.get().position());
                return joined;
            } finally {
                board.withdraw(offer.get().lane());
            }
        }
        return false;
    }

    private boolean arrangeSide() throws SQLException {
        HandOverRules.Next next = HandOverRules.next(plan, read);
        if (next == HandOverRules.Next.CATCH_UP) {
            return false;
        }
        if (next == HandOverRules.Next.CHANGE_OVER) {
            log(() -> "changes over at " + plan.lane().position());
            handOver.changeOver(plan);
            return true;
        }
        if (!board.mayOffer(name, reached)) {
            return false;
        }
        storePosition();
        offered = board.offer(plan.lane());
        if (offered) {
            log(() -> "offers to join at " + reached);
        }
        return false;
    }

    private boolean answered() {
        try {
            if (board.awaitAnswer(name, Duration.ZERO)) {
                return false;
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        end();
        return true;
    }

    private void apply(Batch batch) throws SQLException {
        takeAhead(batch);
        boolean done = false;
        ParkException park = null;
        try {
            WalPositions log =
                    transaction.run(plan, new Ahead.Taken(batch, null), endOf(batch), () -> null, writer, careful);
            acknowledge(flushes.observe(log.insert(), log.flushed()));
            committed(batch);
            done = true;
        } catch (BatchConflictException | TableException e) {
            log(() -> e.getMessage() + "; careful up to " + batch.end());
            carefulThrough = batch.end().seq();
        } catch (ParkException e) {
            park = e;
        } catch (LaneEndException | InterruptedException e) {
            throw new IllegalStateException(e);
        } finally {
            if (!done) {
                transaction.abandon(writer);
            }
        }
        if (park != null) {
            ParkException why = park;
            log(() -> "parks " + why.replica().relation() + " at seq " + why.seq() + ": " + why.getMessage());
            new Parking(connection, rows, ConflictPolicy.STOP).park(plan, park);
            world.parked(slave, why.replica().table(), why.seq(), why.getMessage());
        }
        if (!done || batch.event() instanceof LaneItem.Broken || changesTables(batch.event())) {
            end();
        }
    }

    /** The connection is lost during a commit: nobody knows whether it comes to be, and when. */
    public boolean loseConnectionInCommit(Map<String, Runnable> late) {
        if (connection == null || offered || isMain() && board.firstOffer().isPresent()) {
            return false;
        }
        Batch batch = inHand == null ? intake.take(careful ? LIMITS.careful() : LIMITS, Long.MAX_VALUE) : inHand;
        if (batch == null || !batch.hasChanges() || batch.event() != null) {
            end();
            return true;
        }
        LanePlan of = plan;
        BatchTransaction in = transaction;
        RowWriter by = writer;
        boolean carefully = careful;
        Position at = endOf(batch);
        log(() -> "loses its connection in the commit of " + of.lane().position() + " to " + at);
        late.put(slave + " lane " + name + " to " + at.seq(), () -> {
            try {
                try {
                    in.run(of, new Ahead.Taken(batch, null), at, () -> null, by, carefully);
                    log(() -> "the lost commit up to " + at + " comes to be");
                } finally {
                    in.abandon(by);
                }
            } catch (SQLException
                    | TableException
                    | BatchConflictException
                    | ParkException
                    | LaneEndException
                    | InterruptedException
                    | LaneMovedException e) {
                log(() -> "the lost commit is rolled back: " + e.getMessage());
            }
        });
        end();
        return true;
    }

    private Position endOf(Batch batch) {
        return batch.end() == null ? reached : batch.end();
    }

    private void committed(Batch batch) {
        Position before = plan.lane().position();
        Position end = endOf(batch);
        moved(end);
        flushes.committed(end);
        log(() -> "applies " + before.seq() + " to " + end.seq() + describe(batch));
        if (batch.event() instanceof LaneItem.Settled settled) {
            Map<Integer, List<Replica>> replicas = new HashMap<>(plan.replicas());
            replicas.replaceAll((id, list) -> list.stream()
                    .map(replica -> settled.replicas().stream()
                                    .anyMatch(other -> other.relation().equals(replica.relation()))
                            ? replica.settled()
                            : replica)
                    .toList());
            plan = new LanePlan(plan.lane(), replicas);
        }
    }

    private static String describe(Batch batch) {
        StringBuilder text = new StringBuilder();
        for (ChangeRun run : batch.runs()) {
            text.append(", ").append(run.replica().relation()).append(" seq ").append(run.seq());
        }
        return batch.event() == null
                ? text.toString()
                : text + ", " + batch.event().getClass().getSimpleName();
    }

    private void moved(Position position) {
        plan = plan.at(plan.lane().at(position));
        reached = position;
    }

    private void acknowledge(Position position) {
        if (position != null) {
            stream.acknowledge(position);
            durable = position;
        }
    }

    private boolean idle() throws SQLException {
        state = "in-sync";
        if (flushes.isWaiting() || !reached.equals(plan.lane().position())) {
            storePosition();
            return true;
        }
        return false;
    }

    private void storePosition() throws SQLException {
        Sql.execute(connection, "SET LOCAL synchronous_commit = local");
        rows.advance(connection, plan.lane(), reached, 0);
        connection.commit();
        moved(reached);
        flushes.committed(reached);
        acknowledge(flushes.allDurable());
    }

    private boolean changesTables(LaneItem event) throws SQLException {
        if (event instanceof LaneItem.NewSchema schema) {
            log(() -> "meets " + schema.schema().name() + " in incarnation "
                    + schema.schema().incarnation());
            new TableSetChange(connection, rows).apply(plan, schema.schema());
            return true;
        }
        return event instanceof LaneItem.NewTableSet set && isMain() && changesTables(set.tableSet());
    }

    private boolean changesTables(TableSet set) throws SQLException {
        boolean changed = new TableSetChange(connection, rows).apply(plan, set);
        if (changed) {
            log(() -> "takes over table set " + set.getTablesList() + " at seq " + set.getAtSeq());
        }
        return changed;
    }

    private void end() {
        if (connection == null) {
            return;
        }
        Transactions.close(connection);
        connection = null;
        offered = false;
        inHand = null;
        decoderStopped = false;
        waiting = 0;
        if (isMain()) {
            board.mainAt(null, () -> {});
        } else {
            board.withdraw(name);
        }
        if (stream != null) {
            stream.close();
            stream = null;
        }
        state = "connecting";
    }
}
