package dev.replicator.capture;

import dev.replicator.capture.postgres.Catalog;
import dev.replicator.capture.postgres.Snapshot;
import dev.replicator.capture.postgres.SourceSessions;
import dev.replicator.dumps.DumpManifest;
import dev.replicator.dumps.DumpStore;
import dev.replicator.dumps.SnapshotInfo;
import dev.replicator.dumps.StoredDump;
import dev.replicator.dumps.postgres.DumpReadException;
import dev.replicator.dumps.postgres.DumpSnapshot;
import dev.replicator.dumps.postgres.ReadOptions;
import dev.replicator.dumps.postgres.TableRead;
import dev.replicator.queue.Boundary;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.wire.DumpOrder;
import dev.replicator.queue.wire.DumpOrderTable;
import dev.replicator.runtime.Backoff;
import dev.replicator.runtime.Steps;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads one group of tables under one snapshot. The order of steps is what makes a dump meet the stream without a gap:
 * compare the catalogue (R08), wait for writers from before the tables were published (R01), note the spool's tail, take
 * the snapshot, compute baseSeq (R02), commit the marker (R15), and only then read. Used by the dump worker.
 */
final class DumpJob {
    private static final Logger LOG = LoggerFactory.getLogger(DumpJob.class);
    private static final Duration CHECK_WAIT = Duration.ofSeconds(30);
    private static final int ANSWER_SECONDS = 60;

    /** What the worker is told, and asked. */
    interface Outcome {
        boolean isCancelled(String dumpId);

        void failed(String dumpId, String reason, boolean retry);
    }

    /** One table of the group. */
    private record Item(String dumpId, TableName table, int tableId, int incarnation) {}

    private final CaptureConfig config;
    private final Spool spool;
    private final SourceSessions sessions;
    private final DumpStore store;
    private final DumpUploads uploads;
    private final StatusBoard board;
    private final Supplier<CatalogWatcher> watcher;
    private final Supplier<TableSelection> selection;

    DumpJob(
            CaptureConfig config,
            Spool spool,
            SourceSessions sessions,
            DumpStore store,
            DumpUploads uploads,
            StatusBoard board,
            Supplier<CatalogWatcher> watcher,
            Supplier<TableSelection> selection) {
        this.config = config;
        this.spool = spool;
        this.sessions = sessions;
        this.store = store;
        this.uploads = uploads;
        this.board = board;
        this.watcher = watcher;
        this.selection = selection;
    }

    /** Works off an order; whatever fails is told to {@code outcome}. */
    void run(DumpOrder order, Outcome outcome) throws InterruptedException {
        List<DumpOrderTable> open = new ArrayList<>(order.getTablesList());
        try {
            awaitStreaming(order, outcome);
            List<Item> items = resolve(open, outcome);
            if (items.isEmpty()) {
                return;
            }
            open.removeIf(
                    table -> items.stream().noneMatch(item -> item.dumpId().equals(table.getDumpId())));
            readGroup(order.getGroup(), items, open, outcome);
        } catch (DumpReadException e) {
            open.forEach(table -> outcome.failed(table.getDumpId(), e.getMessage(), e.retry()));
        } catch (SQLException | IOException | RuntimeException e) {
            LOG.debug("Dump group {} failed", order.getGroup(), e);
            open.forEach(table -> outcome.failed(table.getDumpId(), String.valueOf(e.getMessage()), true));
        } finally {
            board.dumpsWaitingFor(List.of());
        }
    }

    /** The master may be away for a while; the order stays. */
    private void awaitStreaming(DumpOrder order, Outcome outcome) throws InterruptedException, IOException {
        Backoff backoff = new Backoff(Duration.ofMillis(100), Duration.ofSeconds(1));
        while (watcher.get() == null || !watcher.get().checkNow(CHECK_WAIT)) {
            throwIfCancelled(order, outcome);
            backoff.pause();
        }
    }

    private static void throwIfCancelled(DumpOrder order, Outcome outcome) throws DumpCancelledException {
        boolean wanted = order.getTablesList().stream().anyMatch(table -> !outcome.isCancelled(table.getDumpId()));
        if (!wanted) {
            throw new DumpCancelledException("the dump was cancelled");
        }
    }

    /** Only tables of our own {@code tables:} that are captured now (rule R24). */
    private List<Item> resolve(List<DumpOrderTable> tables, Outcome outcome) {
        List<Item> items = new ArrayList<>();
        for (DumpOrderTable table : tables) {
            TableName name = TableName.parse(table.getTable());
            TableFacts facts = spool.tables().find(name).orElse(null);
            if (!selection.get().contains(name)) {
                LOG.atWarn()
                        .addKeyValue("dump", table.getDumpId())
                        .addKeyValue("table", name)
                        .log(
                                "Refused a dump that the forwarder asked for: capture's `tables` do not include the table");
                outcome.failed(table.getDumpId(), "capture's tables: does not have " + name, false);
            } else if (facts == null) {
                outcome.failed(table.getDumpId(), name + " is not captured now: " + why(name), true);
            } else if (!outcome.isCancelled(table.getDumpId())) {
                items.add(new Item(table.getDumpId(), name, facts.tableId(), facts.incarnation()));
            }
        }
        return items;
    }

    private String why(TableName name) {
        return board.tables().containsKey(name) ? board.tables().get(name).getError() : "the master does not have it";
    }

    private void readGroup(String group, List<Item> items, List<DumpOrderTable> open, Outcome outcome)
            throws SQLException, IOException, InterruptedException, DumpReadException {
        ReadOptions options = ReadOptions.DEFAULT
                .withParallel(config.dumps().parallel())
                .withLockPatience(config.dumps().lockWait());
        try (Connection control = sessions.open("replicator capture dumps", ANSWER_SECONDS)) {
            BeforeSnapshot before = before(items);
            DumpSnapshot snapshot = open(options);
            try {
                while (hasWriters(control, before, snapshot.info())) {
                    snapshot.close();
                    awaitWriters(items, outcome);
                    before = before(items);
                    snapshot = open(options);
                }
                SnapshotInfo info = snapshot.info();
                long baseSeq = before.baseSeq(spool.commitLog(), seen(info));
                // A group may be read under several snapshots, after a restart for one. The marker of one says nothing
                // of another: a boundary settled too early applies again what its dump holds.
                String marker = group + "/"
                        + Long.toHexString(ThreadLocalRandom.current().nextLong());
                Boundary boundary = info.boundary(baseSeq, marker);
                Steps.reached("dump.snapshot-taken");
                Catalog.emitMessage(
                        control,
                        LogMessage.dump(
                                marker, items.stream().map(Item::tableId).toList()));
                Steps.reached("dump.marker-emitted");
                for (Item item : biggestFirst(control, items)) {
                    open.removeIf(table -> table.getDumpId().equals(item.dumpId()));
                    readTable(
                            control,
                            snapshot,
                            new DumpManifest.Identity(
                                    item.dumpId(),
                                    group,
                                    config.cluster(),
                                    before.tail().epoch()),
                            item,
                            boundary,
                            outcome);
                }
            } finally {
                snapshot.close();
            }
        }
    }

    /** The slave builds a table's indexes while the next ones are read: what takes longest must not come last. */
    private static List<Item> biggestFirst(Connection control, List<Item> items) throws SQLException {
        Map<Integer, Long> blocks =
                Catalog.blocks(control, items.stream().map(Item::tableId).toList());
        return items.stream()
                .sorted(Comparator.comparingLong((Item item) -> -blocks.getOrDefault(item.tableId(), 0L)))
                .toList();
    }

    private BeforeSnapshot before(List<Item> items) {
        return BeforeSnapshot.read(spool, items.stream().map(Item::tableId).toList());
    }

    private DumpSnapshot open(ReadOptions options) throws SQLException {
        return DumpSnapshot.open(() -> sessions.open("replicator capture dump", 0), options);
    }

    private static Snapshot seen(SnapshotInfo info) {
        return new Snapshot(info.xmin(), info.xmax(), info.inProgress());
    }

    /** Whether transactions may still hold rows of a table that are in neither dump nor stream (rule R01). */
    private boolean hasWriters(Connection control, BeforeSnapshot before, SnapshotInfo info) throws SQLException {
        Map<TableName, List<Long>> writers = before.writersNotSeenBy(seen(info));
        List<String> holders = new ArrayList<>();
        for (Map.Entry<TableName, List<Long>> table : writers.entrySet()) {
            for (String holder : Catalog.describe(control, table.getValue())) {
                holders.add("dump of " + table.getKey() + ": " + holder);
            }
        }
        board.dumpsWaitingFor(holders);
        return !writers.isEmpty();
    }

    private void awaitWriters(List<Item> items, Outcome outcome) throws InterruptedException, IOException {
        new Backoff(Duration.ofMillis(300), Duration.ofSeconds(1)).pause();
        if (items.stream().allMatch(item -> outcome.isCancelled(item.dumpId()))) {
            throw new DumpCancelledException("the dump was cancelled");
        }
    }

    private void readTable(
            Connection control,
            DumpSnapshot snapshot,
            DumpManifest.Identity identity,
            Item item,
            Boundary boundary,
            Outcome outcome)
            throws InterruptedException {
        StoredDump dump = null;
        try (TableRead table = snapshot.openTable(Integer.toUnsignedLong(item.tableId()))) {
            // Under the table's lock, so it is what the snapshot saw, in the stream's own terms.
            TableSchema schema = Catalog.describeTable(control, item.tableId(), item.incarnation())
                    .orElseThrow(() -> new IOException("table " + item.table() + " was dropped"))
                    .withCatalog(Catalog.facts(control, List.of(item.tableId())).get(item.tableId()));
            dump = store.create(DumpManifest.draft(identity, schema, table.definition(), boundary, snapshot.info()));
            uploads.start(dump);
            StoredDump into = dump;
            Steps.reached("dump.table-locked");
            table.copyTo(dump, (rows, bytes) -> check(item, outcome, into));
            Steps.reached("dump.table-read");
            requireIncarnation(item);
            dump.complete();
            LOG.atInfo()
                    .addKeyValue("dump", dump.id())
                    .addKeyValue("table", item.table())
                    .addKeyValue("rows", dump.rows())
                    .log("Dump was read");
        } catch (DumpReadException e) {
            fail(dump, item, e.getMessage(), e.retry(), outcome);
        } catch (SQLException | IOException | RuntimeException e) {
            LOG.debug("Dump {} failed", item.dumpId(), e);
            fail(dump, item, String.valueOf(e.getMessage()), !(e instanceof DumpCancelledException), outcome);
        } catch (InterruptedException e) {
            fail(dump, item, "capture stops", true, outcome);
            throw e;
        }
    }

    private void check(Item item, Outcome outcome, StoredDump dump) throws IOException {
        if (outcome.isCancelled(item.dumpId())) {
            throw new DumpCancelledException("the dump was cancelled");
        }
        if (dump.storedBytes() > config.dumps().maxBytes()) {
            throw new IOException("the dump needs more than dumps.max-size ("
                    + config.dumps().maxBytes() + " bytes) in " + store.directory());
        }
    }

    private void requireIncarnation(Item item) throws IOException {
        if (!spool.tables().isCaptured(item.tableId(), item.incarnation())) {
            throw new IOException("incarnation " + item.incarnation() + " of table " + item.table()
                    + " ended while it was read: the table is in incarnation "
                    + spool.tables().incarnation(item.tableId()) + " or left the publication");
        }
    }

    private void fail(StoredDump dump, Item item, String reason, boolean retry, Outcome outcome) {
        if (dump != null) {
            uploads.cancel(dump.id());
            try {
                dump.fail(reason, retry);
                store.delete(dump.id());
            } catch (IOException e) {
                LOG.warn("Files of dump {} could not be removed: {}", dump, e.getMessage());
            }
        }
        outcome.failed(item.dumpId(), reason, retry);
    }
}
