package dev.replicator.capture;

import dev.replicator.capture.postgres.Snapshot;
import dev.replicator.dumps.DumpManifest;
import dev.replicator.dumps.SnapshotInfo;
import dev.replicator.dumps.TableDefinition;
import dev.replicator.queue.Boundary;
import dev.replicator.queue.TableName;
import dev.replicator.queue.wire.DumpOrder;
import dev.replicator.queue.wire.DumpOrderTable;
import dev.replicator.simulation.Master;
import dev.replicator.simulation.MasterTable;
import dev.replicator.simulation.ModelTables;
import dev.replicator.simulation.TableRows;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** One dump order, worked off in the steps of {@link DumpJob}, each of them one step of the model. */
final class ModelDumpJob {
    private final CaptureModel capture;
    private final Spool spool;
    private final DumpOrder order;
    private final int number;
    private final List<Item> items = new ArrayList<>();
    private Stage stage = Stage.CHECK;
    private BeforeSnapshot before;
    private Snapshot snapshot;
    private Master master;
    private Boundary boundary;
    private final Map<String, Long> fileNodes = new TreeMap<>();

    /** What comes next. */
    private enum Stage {
        CHECK,
        AWAIT_ANNOUNCED,
        TAIL,
        SNAPSHOT,
        WRITERS,
        BASE,
        MARKER,
        READ,
        OVER
    }

    private record Item(String dumpId, TableName table, int tableId, int incarnation) {}

    ModelDumpJob(CaptureModel capture, Spool spool, DumpOrder order, int number) {
        this.capture = capture;
        this.spool = spool;
        this.order = order;
        this.number = number;
    }

    boolean isOver() {
        return stage == Stage.OVER;
    }

    /** The master or the session is gone: its snapshot is lost. */
    void lost() {
        if (stage != Stage.CHECK && stage != Stage.OVER) {
            for (DumpOrderTable table : order.getTablesList()) {
                capture.dumpFailed(order.getGroup(), table.getDumpId(), true);
            }
            stage = Stage.OVER;
        }
    }

    /** Takes the next step; false when it waits. */
    boolean step() throws java.io.IOException {
        switch (stage) {
            case CHECK -> {
                capture.poll(true);
                stage = Stage.AWAIT_ANNOUNCED;
            }
            case AWAIT_ANNOUNCED -> {
                if (!capture.isAnnounced()) {
                    return false;
                }
                resolve();
                stage = items.isEmpty() ? Stage.OVER : Stage.TAIL;
            }
            case TAIL -> {
                before = BeforeSnapshot.read(
                        spool, items.stream().map(Item::tableId).toList());
                stage = Stage.SNAPSHOT;
            }
            case SNAPSHOT -> {
                master = capture.master();
                snapshot = master.snapshot();
                for (Item item : items) {
                    fileNodes.put(item.table().table(), ModelTables.fileNode(master, item.table()));
                }
                capture.log(() -> "dump job " + order.getGroup() + ": snapshot " + snapshot + ", tail was "
                        + before.tail().seq());
                stage = Stage.WRITERS;
            }
            case WRITERS -> stage = before.writersNotSeenBy(snapshot).isEmpty() ? Stage.BASE : Stage.TAIL;
            case BASE -> {
                long baseSeq = before.baseSeq(spool.commitLog(), snapshot);
                boundary = snapshot.boundary(baseSeq, order.getGroup() + "/" + number);
                stage = Stage.MARKER;
            }
            case MARKER -> {
                master.emitMessage(LogMessage.dump(
                        boundary.markerId(), items.stream().map(Item::tableId).toList()));
                capture.log(() -> "dump job: marker " + boundary.markerId() + ", " + boundary);
                stage = Stage.READ;
            }
            case READ -> read();
            case OVER -> {
                return false;
            }
        }
        return true;
    }

    private void resolve() {
        for (DumpOrderTable table : order.getTablesList()) {
            TableName name = TableName.parse(table.getTable());
            Optional<TableFacts> facts = spool.tables().find(name);
            if (!capture.isSelected(name)) {
                capture.dumpFailed(order.getGroup(), table.getDumpId(), false);
            } else if (facts.isEmpty()) {
                capture.dumpFailed(order.getGroup(), table.getDumpId(), true);
            } else if (!capture.isCancelled(order.getGroup(), table.getDumpId())) {
                items.add(new Item(
                        table.getDumpId(),
                        name,
                        facts.get().tableId(),
                        facts.get().incarnation()));
            }
        }
    }

    /** One table: its draft first, its rows with a later step. */
    private void read() throws java.io.IOException {
        if (items.isEmpty()) {
            stage = Stage.OVER;
            return;
        }
        Item item = items.get(0);
        CaptureDisk.Staged staged = capture.staged(item.dumpId());
        if (staged != null && !staged.manifest().group().equals(order.getGroup())) {
            // The directory of that id is taken.
            items.remove(0);
            capture.dumpFailed(order.getGroup(), item.dumpId(), true);
            return;
        }
        if (staged == null) {
            MasterTable table = master.table(item.table().table());
            if (ModelTables.fileNode(master, item.table())
                    != fileNodes.get(item.table().table())) {
                items.remove(0);
                capture.dumpFailed(order.getGroup(), item.dumpId(), true);
                return;
            }
            SnapshotInfo info =
                    new SnapshotInfo(snapshot.xmin(), snapshot.xmax(), snapshot.inProgress(), 0, Instant.EPOCH, "18.4");
            TableDefinition definition = ModelTables.definition(item.table());
            DumpManifest draft = DumpManifest.draft(
                    new DumpManifest.Identity(
                            item.dumpId(), order.getGroup(), "c", before.tail().epoch()),
                    ModelTables.schema(table).withIncarnation(item.incarnation()),
                    definition,
                    boundary,
                    info);
            capture.stage(draft, null);
            return;
        }
        items.remove(0);
        if (!spool.tables().isCaptured(item.tableId(), item.incarnation())) {
            capture.dumpFailed(order.getGroup(), item.dumpId(), true);
            return;
        }
        TableRows rows = master.seen(item.table().table(), snapshot);
        capture.stage(staged.manifest().completed(List.of()), rows);
        capture.log(() -> "dump " + item.dumpId() + " of " + item.table().table() + " was read: " + rows.rows());
    }
}
