package dev.replicator.capture;

import dev.replicator.capture.postgres.Snapshot;
import dev.replicator.capture.postgres.TransactionIds;
import dev.replicator.dumps.DumpManifest;
import dev.replicator.forwarder.ForwarderModel;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.store.ForkedHistoryException;
import dev.replicator.queue.store.MemoryQueue;
import dev.replicator.queue.store.MemoryReader;
import dev.replicator.queue.store.PositionPrunedException;
import dev.replicator.queue.store.StoredRecord;
import dev.replicator.queue.wire.CaptureHello;
import dev.replicator.queue.wire.CaptureStatus;
import dev.replicator.queue.wire.CaptureWelcome;
import dev.replicator.queue.wire.CapturedTable;
import dev.replicator.queue.wire.DumpOrder;
import dev.replicator.queue.wire.DumpOrderTable;
import dev.replicator.queue.wire.ToCapture;
import dev.replicator.queue.wire.WirePositions;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.simulation.Master;
import dev.replicator.simulation.TableRows;
import dev.replicator.simulation.WalEntry;
import dev.replicator.simulation.World;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;

/**
 * The capture daemon of the model check: commit log, continuity, resent transactions, writing of records, incarnations and
 * waiting for writers are the product's classes; sessions, threads and clocks are steps.
 */
public final class CaptureModel {
    private final World world;
    private CaptureDisk disk;
    private Set<String> selected = new TreeSet<>(Master.NAMES);
    private final boolean confirmsForwarder;
    private int jobs;

    // Gone with a crash.
    private Spool spool;
    private StatusBoard board;
    private TransactionIds ids;
    private Announcements announcements;
    private String stopped;
    private boolean running;
    private boolean refused;

    // Gone with the session on the master.
    private TransactionWriter writer;
    private Master connectedTo;
    private int nextEntry;
    private WatcherModel watcher;
    private long seenCheckpoints;
    private CommitLogPruning.Checkpoints checkpoints;
    private boolean proven;
    private Resent resent;

    // Gone with the connection to the forwarder.
    private MemoryReader reader;
    private ForwarderModel.CaptureConnection connection;
    private long ackedSeq;
    private long ackedLsn;

    private final Deque<DumpOrder> orders = new ArrayDeque<>();
    private DumpOrders known = new DumpOrders();
    private final Set<String> uploadBegun = new HashSet<>();
    private final Deque<DumpOrderTable> failures = new ArrayDeque<>();
    private final Deque<String> marks = new ArrayDeque<>();
    private ModelDumpJob job;

    public CaptureModel(World world, int recordsPerSegment, boolean confirmsForwarder) {
        this.world = world;
        this.disk = new CaptureDisk(recordsPerSegment);
        this.confirmsForwarder = confirmsForwarder;
    }

    public Object backup() {
        return disk.copy();
    }

    public void restore(Object backup) {
        crash(0);
        disk = ((CaptureDisk) backup).copy();
    }

    public void loseDisk(int recordsPerSegment) {
        crash(0);
        disk = new CaptureDisk(recordsPerSegment);
    }

    public boolean isRunning() {
        return running;
    }

    /** Whether only an operator can help: continuity is lost, or the forwarder has another history. */
    public boolean needsNewEpoch() {
        return stopped != null || refused;
    }

    /** Why it stopped by itself: only an operator helps. */
    public String stopped() {
        return stopped;
    }

    public boolean hasDumpJob() {
        return job != null || !orders.isEmpty();
    }

    public void select(Set<String> tables) {
        selected = new TreeSet<>(tables);
    }

    public Set<String> selected() {
        return selected;
    }

    Master master() {
        return world.master();
    }

    void log(Supplier<String> what) {
        world.log("capture", what);
    }

    // Process.

    public boolean start() throws IOException {
        if (running) {
            return false;
        }
        spool = disk.open();
        board = new StatusBoard();
        ids = new TransactionIds();
        announcements = new Announcements();
        stopped = null;
        running = true;
        for (CaptureDisk.Staged staged : List.copyOf(disk.staged.values())) {
            if (staged.rows() == null) {
                failures.add(DumpOrderTable.newBuilder()
                        .setDumpId(staged.manifest().id())
                        .build());
                disk.staged.remove(staged.manifest().id());
            } else {
                known.resumed(staged.manifest().group(), staged.manifest().id());
            }
        }
        log(() -> "starts; spool at "
                + (spool.queue().hasHistory() ? spool.queue().durableTail() : "nothing"));
        return true;
    }

    /** Dies; the first records that waited for the disk may have come to it. */
    public void crash(int synced) {
        if (!running) {
            return;
        }
        try {
            ((MemoryQueue) spool.queue()).syncSome(synced);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        disconnectMaster();
        disconnectForwarder();
        disk.commitLog.crash();
        orders.clear();
        known = new DumpOrders();
        uploadBegun.clear();
        failures.clear();
        marks.clear();
        job = null;
        running = false;
    }

    public void disconnectMaster() {
        writer = null;
        connectedTo = null;
        if (job != null) {
            job.lost();
            job = job.isOver() ? null : job;
        }
    }

    public void disconnectForwarder() {
        reader = null;
        if (connection != null) {
            connection.close();
            connection = null;
        }
        uploadBegun.clear();
    }

    // The master.

    /** Connects and proves continuity, as {@link MasterHistory} does; false when there is nothing to do. */
    public boolean connect() throws IOException {
        if (!running || stopped != null || writer != null) {
            return false;
        }
        Master master = master();
        if (!spool.queue().hasHistory() && !begin(master)) {
            return stopped != null;
        }
        if (!check(master)) {
            return true;
        }
        ids.observe(master.snapshot().xmax());
        spool.queue().writer().sync();
        spool.commitLog().truncateAfter(spool.queue().durableTail().seq());
        resent = new Resent(spool.commitLog(), spool.queue().durableTail(), master.slotConfirmed());
        writer = new TransactionWriter(spool, ids, board, resent, why -> {}, new StreamModel.Look());
        connectedTo = master;
        nextEntry = master.commitsUpTo(master.slotConfirmed());
        watcher = new WatcherModel(this, master, spool.tables(), announcements, ids);
        proven = false;
        checkpoints = new CommitLogPruning.Checkpoints();
        seenCheckpoints = master.checkpoints();
        log(() -> "reads the log from commit " + nextEntry + " on, tail "
                + spool.queue().durableTail());
        return true;
    }

    private boolean begin(Master master) throws IOException {
        if (!world.forwarder().isRunning()) {
            return false;
        }
        CaptureWelcome welcome = world.forwarder().whatThereIs();
        if (welcome.hasTail()) {
            return adopt(master, welcome);
        }
        if (master.slotExists()) {
            return stop("there is no history, but the slot has moved");
        }
        return beginAt(master, new Position(Epoch.begin(1), 0, 0));
    }

    private boolean beginAt(Master master, Position after) throws IOException {
        if (!master.mayCreateSlot()) {
            return false;
        }
        long start = master.createSlot();
        spool.tables().unpublishAll();
        spool.beginHistory(new Position(after.epoch(), after.seq(), start));
        world.follows(after.epoch(), master);
        log(() -> "a history begins: " + spool.queue().durableTail());
        return true;
    }

    private boolean adopt(Master master, CaptureWelcome welcome) throws IOException {
        Position tail = WirePositions.fromWire(welcome.getTail());
        long known = Math.max(tail.lsn(), welcome.getDurableLsn());
        if (!master.slotExists() || !Continuity.isWithin(master.slotConfirmed(), known)) {
            return stop("the slot is beyond what the forwarder holds");
        }
        new HistoryAdoption(spool).adopt(tail, known, welcome);
        log(() -> "goes on with the forwarder's history at " + tail);
        return true;
    }

    private boolean check(Master master) throws IOException {
        if (!master.slotExists()) {
            return stop("the slot does not exist");
        }
        if (Continuity.wentBack(master.flushLsn(), spool.queue().durableLsn())) {
            return stop("the master's log went back in time");
        }
        return reaches(master) || goOnWithForwarder(master);
    }

    private boolean reaches(Master master) {
        return Continuity.reaches(
                master.slotConfirmed(),
                spool.queue().durableLsn(),
                spool.commitLog().baseLsn());
    }

    private boolean goOnWithForwarder(Master master) throws IOException {
        if (!world.forwarder().isRunning()) {
            return false;
        }
        CaptureWelcome welcome = world.forwarder().whatThereIs();
        Position tail = spool.queue().durableTail();
        if (welcome.hasTail() && Continuity.mayAdopt(tail, WirePositions.fromWire(welcome.getTail()))) {
            if (adopt(master, welcome) && reaches(master)) {
                return true;
            }
        }
        return stop("continuity is not proved");
    }

    private boolean stop(String why) {
        stopped = why;
        disconnectMaster();
        log(() -> "stops: " + why);
        return false;
    }

    /** Reads the next commit that is on the master's disk. */
    public boolean read() throws IOException {
        if (writer == null) {
            return false;
        }
        if (connectedTo != master()) {
            disconnectMaster();
            return true;
        }
        drain();
        if (nextEntry >= connectedTo.flushedCommits()) {
            return heartbeat();
        }
        WalEntry entry = connectedTo.entry(nextEntry++);
        try {
            write(entry);
        } catch (ReplicatorException e) {
            stop(String.valueOf(e.getMessage()));
        }
        return true;
    }

    private void write(WalEntry entry) throws IOException {
        long before = spool.queue().writer().lastSeq();
        StreamModel.send(entry, connectedTo, writer);
        long seq = spool.queue().writer().lastSeq();
        if (!resent.covers(entry.beginLsn())) {
            prove();
        }
        if (seq > before) {
            log(() -> "xid " + entry.xid() + " is seq " + seq + " at " + entry.endLsn());
        }
    }

    /** Something new was written behind the tail: the history is this master's from here on. */
    private void prove() {
        if (!proven) {
            proven = true;
            world.follows(spool.queue().epoch(), connectedTo);
        }
    }

    private boolean heartbeat() throws IOException {
        long lsn = connectedTo.flushLsn();
        if (Long.compareUnsigned(lsn, writer.lastLsn()) <= 0) {
            return false;
        }
        try {
            writer.heartbeat(lsn, 1);
            prove();
        } catch (ReplicatorException e) {
            stop(String.valueOf(e.getMessage()));
        }
        return true;
    }

    private void drain() throws IOException {
        try {
            announcements.drainTo(writer);
        } catch (ReplicatorException e) {
            stop(String.valueOf(e.getMessage()));
        }
    }

    public boolean sync() throws IOException {
        if (!running || !spool.queue().hasHistory() || ((MemoryQueue) spool.queue()).unsynced() == 0) {
            return false;
        }
        spool.queue().writer().sync();
        return true;
    }

    /** Confirms to the master what is durable where it has to be. */
    public boolean confirm() {
        if (writer == null || connectedTo != master() || writer.isComparing()) {
            return false;
        }
        long ours = spool.queue().durableLsn();
        long lsn = confirmsForwarder && Long.compareUnsigned(ackedLsn, ours) < 0 ? ackedLsn : ours;
        if (Long.compareUnsigned(lsn, connectedTo.slotConfirmed()) <= 0) {
            return false;
        }
        connectedTo.confirm(lsn);
        log(() -> "confirms " + lsn);
        return true;
    }

    // The catalogue watcher.

    boolean isAnnounced() {
        return announcements.isEmpty();
    }

    boolean isSelected(TableName table) {
        return selected.contains(table.table());
    }

    /** One poll, as {@link CatalogWatcher} makes it. */
    public boolean poll(boolean compare) throws IOException {
        if (writer == null || connectedTo != master()) {
            return false;
        }
        Snapshot snapshot = connectedTo.snapshot();
        ids.observe(snapshot.xmax());
        long visible =
                spool.commitLog().advanceVisible(spool.queue().durableTail().seq(), snapshot);
        board.visible(visible);
        watcher.poll(snapshot, compare);
        spool.commitLog().flush();
        if (connectedTo.checkpoints() != seenCheckpoints) {
            seenCheckpoints = connectedTo.checkpoints();
            checkpoints.another(connectedTo.slotConfirmed(), spool);
        }
        sendStatus();
        return true;
    }

    // The forwarder.

    /** Connects; false when there is no history to speak of, or no forwarder. */
    public boolean link() throws IOException {
        if (!running
                || connection != null
                || !spool.queue().hasHistory()
                || !world.forwarder().isRunning()) {
            return false;
        }
        Position base = spool.base().orElse(null);
        if (base == null) {
            return false;
        }
        CaptureHello hello = CaptureHello.newBuilder()
                .setCluster("c")
                .setTail(WirePositions.toWire(spool.queue().durableTail()))
                .setBase(WirePositions.toWire(base))
                .build();
        try {
            connection = world.forwarder().connect(hello);
        } catch (ForkedHistoryException e) {
            log(() -> "the forwarder refuses: " + e.getMessage());
            refused = true;
            return true;
        }
        refused = false;
        spool.tables().overtakenBy(HistoryAdoption.schemas(connection.welcome()));
        log(() -> "connects to the forwarder with " + spool.queue().durableTail());
        sendStatus();
        return true;
    }

    /** Takes the forwarder's messages, then sends one record. */
    public boolean send() throws IOException {
        if (connection == null) {
            return false;
        }
        if (connection.isClosed()) {
            disconnectForwarder();
            return true;
        }
        // Groups of dumps have random names; the order they come in must not depend on them.
        List<ToCapture> messages = new ArrayList<>();
        for (ToCapture message = connection.poll(); message != null; message = connection.poll()) {
            messages.add(message);
        }
        messages.sort(Comparator.comparing(CaptureModel::firstDump));
        messages.forEach(this::receive);
        boolean any = !messages.isEmpty();
        while (!failures.isEmpty()) {
            DumpOrderTable failed = failures.poll();
            connection.dumpFailed(failed.getDumpId(), failed.getTable().isEmpty());
            any = true;
        }
        return uploads() || sendRecord() || any;
    }

    private boolean sendRecord() throws IOException {
        if (reader == null && !openReader()) {
            return false;
        }
        try {
            if (reader.next() == null) {
                return false;
            }
            connection.record(reader.record());
        } catch (PositionPrunedException e) {
            disconnectForwarder();
        }
        return true;
    }

    private boolean openReader() throws IOException {
        CaptureWelcome welcome = connection.welcome();
        Position theirs = welcome.hasTail()
                ? WirePositions.fromWire(welcome.getTail())
                : spool.base().orElseThrow();
        if (spool.queue().durableTail().seq() < theirs.seq()) {
            return false;
        }
        if (welcome.hasTail()) {
            acknowledged(theirs.seq(), welcome.getDurableLsn());
        }
        try {
            reader = (MemoryReader) spool.queue().readAfter(theirs);
            List<TableSchema> known = HistoryAdoption.schemas(welcome);
            for (TableSchema schema : SchemaGap.between(spool.queue().schemasAt(theirs.seq()), known)) {
                connection.record(StoredRecord.of(ControlRecords.schema(theirs, schema, true)));
            }
            return true;
        } catch (PositionPrunedException | ForkedHistoryException e) {
            log(() -> "cannot send from " + theirs + ": " + e.getMessage());
            disconnectForwarder();
            return false;
        }
    }

    private void acknowledged(long seq, long lsn) {
        ackedSeq = seq;
        ackedLsn = lsn;
    }

    private void receive(ToCapture message) {
        switch (message.getMessageCase()) {
            case ACK -> acknowledged(
                    message.getAck().getDurable().getSeq(), message.getAck().getDurableLsn());
            case DUMP -> order(message.getDump());
            case CANCEL -> {
                known.cancel(message.getCancel().getDumpId());
                unstage(message.getCancel().getDumpId());
            }
            case MARKER -> marks.add(message.getMarker().getMarker());
            default -> throw new IllegalStateException("" + message.getMessageCase());
        }
    }

    private static String firstDump(ToCapture message) {
        return message.hasDump() ? message.getDump().getTables(0).getDumpId() : "";
    }

    private void order(DumpOrder order) {
        DumpOrder fresh = known.fresh(order, this::unstage);
        if (fresh.getTablesCount() > 0) {
            orders.add(fresh);
        }
    }

    /** Prunes the spool up to what the forwarder holds. */
    public boolean prune() throws IOException {
        if (!running
                || !spool.queue().hasHistory()
                || ackedSeq <= 0
                || spool.queue().firstSeq() > ackedSeq) {
            return false;
        }
        long before = spool.queue().firstSeq();
        spool.pruneUpTo(Math.min(ackedSeq, spool.queue().durableTail().seq()));
        return spool.queue().firstSeq() != before;
    }

    private void sendStatus() {
        if (connection == null || connection.isClosed()) {
            return;
        }
        CaptureStatus.Builder status = CaptureStatus.newBuilder()
                .setVisibleSeq(spool.commitLog() == null ? 0 : spool.commitLog().visibleSeq());
        for (String name : selected) {
            TableName table = new TableName("public", name);
            TableFacts facts = spool.tables().find(table).orElse(null);
            status.addTables(CapturedTable.newBuilder()
                    .setTable(table.toString())
                    .setTableId(facts == null ? 0 : facts.tableId())
                    .setIncarnation(facts == null ? 0 : facts.incarnation())
                    .setError(facts == null ? "is joining" : ""));
        }
        connection.status(status.build());
    }

    // Dumps.

    /** One step of the dump that is being taken. */
    public boolean dump() throws IOException {
        if (writer == null || connectedTo != master()) {
            return false;
        }
        if (!marks.isEmpty()) {
            connectedTo.emitMessage(LogMessage.mark(marks.poll()));
            return true;
        }
        if (job == null || job.isOver()) {
            DumpOrder order = orders.poll();
            job = null;
            if (order == null) {
                return false;
            }
            job = new ModelDumpJob(this, spool, order, ++jobs);
        }
        return job.step();
    }

    CaptureDisk.Staged staged(String dumpId) {
        return disk.staged.get(dumpId);
    }

    private void unstage(String dumpId) {
        disk.staged.remove(dumpId);
        uploadBegun.remove(dumpId);
    }

    void stage(DumpManifest manifest, TableRows rows) {
        disk.staged.put(manifest.id(), new CaptureDisk.Staged(manifest, rows));
    }

    boolean isCancelled(String group, String dumpId) {
        return known.isCancelled(group, dumpId);
    }

    void dumpFailed(String group, String dumpId, boolean retry) {
        boolean wanted = known.over(group, dumpId);
        unstage(dumpId);
        if (wanted) {
            failures.add(DumpOrderTable.newBuilder()
                    .setDumpId(dumpId)
                    .setTable(retry ? "" : "for ever")
                    .build());
        }
    }

    /** Sends a draft, or the rows of a dump that was read. */
    private boolean uploads() throws IOException {
        for (CaptureDisk.Staged staged : disk.staged.values()) {
            String id = staged.manifest().id();
            if (uploadBegun.add(id)) {
                if (!connection.beginDump(DumpUpload.draft(staged.manifest()))) {
                    known.over(staged.manifest().group(), id);
                    unstage(id);
                }
                return true;
            }
            if (staged.rows() != null) {
                connection.completeDump(staged.manifest(), staged.rows());
                known.over(staged.manifest().group(), id);
                unstage(id);
                return true;
            }
        }
        return false;
    }

    // Operators.

    /** {@code capture --new-epoch}. */
    public boolean newEpoch() throws IOException {
        if (running && stopped == null && !refused || !world.forwarder().isRunning()) {
            return false;
        }
        Master master = master();
        if (!master.mayCreateSlot()) {
            return false;
        }
        Spool opened = disk.open();
        Position ours = opened.queue().hasHistory() ? opened.queue().durableTail() : null;
        CaptureWelcome welcome = world.forwarder().whatThereIs();
        Position theirs = welcome.hasTail() ? WirePositions.fromWire(welcome.getTail()) : null;
        Position last = NewEpoch.further(ours, theirs);
        crash(0);
        spool = disk.open();
        spool.tables().adopt(HistoryAdoption.schemas(welcome));
        master.dropSlot();
        int number = last == null ? 1 : last.epoch().number() + 1;
        boolean begun = beginAt(master, new Position(Epoch.begin(number), last == null ? 0 : last.seq(), 0));
        spool = null;
        refused = false;
        return begun;
    }

    public long tailSeq() {
        return running && spool.queue().hasHistory()
                ? spool.queue().durableTail().seq()
                : -1;
    }
}
