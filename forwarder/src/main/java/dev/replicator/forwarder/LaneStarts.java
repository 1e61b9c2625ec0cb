package dev.replicator.forwarder;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Lsn;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.store.ForkedHistoryException;
import dev.replicator.queue.store.PositionAheadException;
import dev.replicator.queue.store.PositionPrunedException;
import dev.replicator.queue.store.QueueReader;
import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.queue.wire.GrantedTable;
import dev.replicator.queue.wire.LaneStart;
import dev.replicator.queue.wire.Subscribe;
import dev.replicator.queue.wire.TableSet;
import dev.replicator.queue.wire.WirePositions;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Decides whether and where a lane may begin (rules R06 and R07). */
final class LaneStarts {
    static final String NEEDS_RESYNC = "needs-resync";
    static final String NEW_EPOCH = "new-epoch";
    static final String FORKED = "forked";
    static final String NOT_YET = "not-yet";

    private final ReplicationQueue queue;
    private final TableSets tableSets;
    private final Slaves slaves;
    private final Supplier<Optional<Epoch>> captureEpoch;
    private final Predicate<String> knownMarkers;

    /**
     * @param captureEpoch epoch of the capture that is connected, or was connected last
     * @param knownMarkers whether a marker is that of a dump there is here
     */
    LaneStarts(
            ReplicationQueue queue,
            TableSets tableSets,
            Slaves slaves,
            Supplier<Optional<Epoch>> captureEpoch,
            Predicate<String> knownMarkers) {
        this.captureEpoch = captureEpoch;
        this.knownMarkers = knownMarkers;
        this.queue = queue;
        this.tableSets = tableSets;
        this.slaves = slaves;
    }

    /** What is decided for a subscription: one of the two is null. */
    record Decision(Accepted accepted, LaneStart refused) {}

    /** A lane that may begin; its sender owns the reader. Used by one thread. */
    static final class Accepted {
        private final String name;
        private final Position position;
        private final Set<TableName> tables;
        /** Names the slave knows: it may be told that it loses them. */
        private final Set<TableName> known;

        private final GrantState grants;
        private final QueueReader reader;
        private long version;
        private final long atSeq;
        /** Version of the newest set when the lane began. */
        private final long latest;

        Accepted(
                String name,
                Position position,
                Set<TableName> tables,
                Set<TableName> carried,
                GrantState grants,
                QueueReader reader,
                TableSets.Entry set,
                long latest) {
            this.name = name;
            this.position = position;
            this.tables = tables;
            this.known = new HashSet<>(carried);
            this.grants = grants;
            this.reader = reader;
            this.version = set.version();
            this.atSeq = set.seq();
            this.latest = latest;
        }

        String name() {
            return name;
        }

        boolean isMain() {
            return name.equals(Slave.MAIN);
        }

        Position position() {
            return position;
        }

        /** Tables the lane asked for. */
        Set<TableName> tables() {
            return tables;
        }

        GrantState grants() {
            return grants;
        }

        QueueReader reader() {
            return reader;
        }

        long tableSetVersion() {
            return version;
        }

        void apply(TableSets.Entry entry) {
            version = entry.version();
            grants.selection(entry.selection(), version < latest);
        }

        TableSet tableSet(long seq, boolean paused) {
            grants.tables().forEach(granted -> known.add(granted.name()));
            return LaneStarts.tableSet(grants, known, seq, paused);
        }
    }

    /**
     * Looks at a subscription.
     *
     * @param slave whose, as its token says
     */
    Decision decide(String slave, Subscribe subscribe) throws IOException {
        if (!queue.hasHistory()) {
            return new Decision(
                    null, refusal(NOT_YET, "no capture has connected yet, so this forwarder knows no history"));
        }
        if (!subscribe.hasPosition()) {
            return accept(slave, subscribe, queue.durableTail());
        }
        beDurable(subscribe);
        // Read before anything else: what arrives in between must not look as if the master did not have it.
        long knownLsn = queue.durableLsn();
        Position position = resolve(Positions.fromWire(subscribe.getPosition()));
        if (!position.epoch().equals(queue.epoch())) {
            return refuse(slave, subscribe, otherEpoch(position), otherEpochDetail(position));
        }
        try {
            compareCommitTime(position, subscribe.getCommitMicros());
            return accept(slave, subscribe, position);
        } catch (PositionPrunedException e) {
            return refuse(slave, subscribe, NEEDS_RESYNC, e.getMessage());
        } catch (ForkedHistoryException e) {
            return refuse(slave, subscribe, FORKED, e.getMessage() + wayOut(slave));
        } catch (PositionAheadException e) {
            if (position.lsn() != 0 && Long.compareUnsigned(knownLsn, position.lsn()) >= 0) {
                return refuse(
                        slave,
                        subscribe,
                        FORKED,
                        e.getMessage() + ", and the master's log is known up to " + Lsn.format(knownLsn)
                                + ": it does not have that transaction" + wayOut(slave));
            }
            return refuse(slave, subscribe, NOT_YET, e.getMessage() + "; waiting until capture has sent it again");
        }
    }

    /**
     * Where the queue begins, what stood behind the transaction before need not be here: it was pruned with that, or the queue
     * began anew. A lane would wait for the marker of its dump for ever.
     */
    private Optional<String> missingMarker(Position position, List<String> awaited) {
        if (position.seq() + 1 != queue.firstSeq()) {
            return Optional.empty();
        }
        return awaited.stream()
                .filter(marker -> !knownMarkers.test(marker))
                .findFirst()
                .map(marker -> "this queue begins at " + position + ": marker " + marker
                        + " of the dump that was restored may have been lost with what was before");
    }

    /** A slave may hold what is only written here. */
    private void beDurable(Subscribe subscribe) throws IOException {
        if (subscribe.getPosition().getSeq() > queue.durableTail().seq()) {
            queue.writer().sync();
        }
    }

    static LaneStart start(Accepted lane, boolean paused) {
        return LaneStart.newBuilder()
                .setPosition(WirePositions.toWire(lane.position()))
                .setTableSet(lane.tableSet(lane.atSeq, paused).toBuilder().setNewest(lane.version == lane.latest))
                .build();
    }

    private Decision accept(String slave, Subscribe subscribe, Position position) throws IOException {
        QueueReader reader = open(position);
        // Asked behind the opening: what is pruned from now on the reader notices.
        Optional<String> missing = missingMarker(position, subscribe.getAwaitedMarkersList());
        if (missing.isPresent()) {
            reader.close();
            return refuse(slave, subscribe, NEEDS_RESYNC, missing.get());
        }
        // Each change of the table set is met at its place. But a side lane brings a table that is granted now from the
        // base of its dump on, which may lie before the grant, or before a time without one (R11, R24).
        TableSets.Entry set = setInForce(slave, position.seq());
        TableSets.Entry latest = setInForce(slave, Long.MAX_VALUE);
        boolean main = subscribe.getLane().equals(Slave.MAIN);
        Set<TableName> tables = names(subscribe.getTablesList());
        Set<TableName> carried = names(subscribe.getCarriedList());
        GrantState grants = new GrantState(
                set.selection(),
                main ? null : latest.selection(),
                queue.schemasAt(position.seq()).values());
        return new Decision(
                new Accepted(subscribe.getLane(), position, tables, carried, grants, reader, set, latest.version()),
                null);
    }

    private static Set<TableName> names(List<String> texts) {
        return texts.stream().map(TableName::parse).collect(Collectors.toSet());
    }

    /** A side lane that begins at a dump's baseSeq does not know the LSN there and sends 0. */
    private Position resolve(Position sent) throws IOException {
        if (sent.lsn() != 0 || sent.seq() > queue.durableTail().seq()) {
            return sent;
        }
        Position start = queue.epochStart();
        if (sent.epoch().equals(start.epoch()) && sent.seq() == start.seq()) {
            // The last transaction of the epoch before has this number, too.
            return start;
        }
        if (sent.seq() == queue.durableTail().seq()) {
            return new Position(sent.epoch(), sent.seq(), queue.durableTail().lsn());
        }
        return queue.positionOf(sent.seq())
                .map(ours -> new Position(sent.epoch(), sent.seq(), ours.lsn()))
                .orElse(sent);
    }

    private QueueReader open(Position position) throws IOException {
        boolean beforeFirst = position.lsn() == 0 && position.seq() + 1 == queue.firstSeq();
        return beforeFirst ? queue.readFromStart() : queue.readAfter(position);
    }

    /** A refused lane learns where it could begin anew: at our tail, with dumps for every table. */
    private Decision refuse(String slave, Subscribe subscribe, String refusal, String detail) throws IOException {
        Position tail = queue.durableTail();
        TableSets.Entry set = setInForce(slave, tail.seq());
        GrantState grants =
                new GrantState(set.selection(), queue.schemasAt(tail.seq()).values());
        boolean paused = slaves.find(slave).map(Slave::isPaused).orElse(false);
        return new Decision(
                null,
                refusal(refusal, detail).toBuilder()
                        .setPosition(WirePositions.toWire(tail))
                        .setTableSet(tableSet(grants, names(subscribe.getCarriedList()), set.seq(), paused))
                        .build());
    }

    private TableSets.Entry setInForce(String slave, long seq) {
        Optional<TableSets.Entry> recorded = tableSets.inForce(slave, seq);
        return recorded.orElseGet(() -> {
            TableSelection selection =
                    slaves.file(slave).map(SlaveFile::tables).orElseGet(() -> new TableSelection(List.of(), List.of()));
            return new TableSets.Entry(slave, 0, seq, selection);
        });
    }

    /** A master that was put back may write another transaction at the same place. */
    private void compareCommitTime(Position position, long commitMicros) throws IOException {
        Optional<RecordHeader> ours = queue.transaction(position.seq())
                .filter(header -> header.position().equals(position));
        if (commitMicros != 0 && ours.isPresent() && ours.get().commitMicros() != commitMicros) {
            throw new ForkedHistoryException("position " + position + " belongs to another history: the slave's"
                    + " transaction was committed at " + commitMicros + " µs, ours at "
                    + ours.get().commitMicros() + " µs; a re-sync is needed");
        }
    }

    private static String wayOut(String slave) {
        return ". Old rows stay in service; run 'replicator admin slave resync " + slave + "'";
    }

    /**
     * A later epoch than ours comes from capture, if we were restored from a backup. But what capture does not know itself
     * will never come: everything but the slave was lost, and numbers of epochs began again.
     */
    private String otherEpoch(Position position) {
        int number = position.epoch().number();
        boolean mayCome =
                captureEpoch.get().map(captures -> captures.number() >= number).orElse(true);
        return number > queue.epoch().number() && mayCome ? NOT_YET : NEW_EPOCH;
    }

    private String otherEpochDetail(Position position) {
        return "the slave is at " + position + " (" + position.epoch().id() + "), this forwarder is in epoch "
                + queue.epoch();
    }

    private static LaneStart refusal(String refusal, String detail) {
        return LaneStart.newBuilder().setRefusal(refusal).setDetail(detail).build();
    }

    /**
     * What a slave is told of its table set. Of what its file excludes only the tables it knows are named: the rest would
     * tell it that they exist (rule R24).
     */
    static TableSet tableSet(GrantState grants, Set<TableName> known, long atSeq, boolean paused) {
        TableSelection selection = grants.selection();
        TableSelection included = new TableSelection(selection.tables(), List.of());
        TableSet.Builder set = TableSet.newBuilder().setAtSeq(atSeq).setPaused(paused);
        selection.tables().stream()
                .filter(text -> !isNamed(selection, text) || selection.contains(TableName.parse(text)))
                .forEach(set::addTables);
        known.stream()
                .filter(table -> included.contains(table) && !selection.contains(table))
                .sorted()
                .forEach(table -> set.addExclude(table.toString()));
        for (TableSchema schema : grants.tables()) {
            set.addResolved(GrantedTable.newBuilder()
                    .setTable(schema.name().toString())
                    .setTableId(schema.tableId())
                    .setIncarnation(schema.incarnation()));
        }
        return set.build();
    }

    private static boolean isNamed(TableSelection selection, String text) {
        return selection.namedTables().stream()
                .anyMatch(table -> table.toString().equals(text));
    }
}
