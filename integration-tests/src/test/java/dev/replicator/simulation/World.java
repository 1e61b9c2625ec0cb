package dev.replicator.simulation;

import dev.replicator.capture.CaptureModel;
import dev.replicator.forwarder.ForwarderModel;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;

/** Everything: a master, capture, forwarder and slaves, and what they do step by step. */
public final class World {
    private static final long NANOS_PER_STEP = 1_000_000_000L;

    private final Settings settings;
    private final List<String> trace;
    private final Map<Epoch, Branch> branches = new HashMap<>();
    private final CaptureModel capture;
    private final ForwarderModel forwarder;
    private final List<SlaveModel> slaves = new ArrayList<>();
    private final Applications applications = new Applications(this);
    private Branch branch;
    private Backup masterBackup;
    private Object captureBackup;
    private Object forwarderBackup;
    private long nanos = NANOS_PER_STEP;
    private int steps;
    private int turns;
    private final Map<Action, Integer> counts = new EnumMap<>(Action.class);

    private record Backup(Master from, int commits, boolean slotExists, long slotSaved) {}

    /** @param trace gets what happens, line by line; null for nothing */
    World(Settings settings, List<String> trace) throws IOException {
        this.settings = settings;
        this.trace = trace;
        branch = new Branch(1, new Master(settings.firstXid()));
        capture = new CaptureModel(this, settings.recordsPerSegment(), settings.confirmsForwarder());
        forwarder = new ForwarderModel(this, settings.recordsPerSegment(), settings.queueRecords());
        for (int i = 0; i < settings.slaves().size(); i++) {
            slaves.add(new SlaveModel(this, "slave" + (i + 1)));
            forwarder.grant("slave" + (i + 1), settings.slaves().get(i));
        }
        forwarder.start();
        capture.start();
        slaves.forEach(SlaveModel::start);
    }

    // For the actors.

    public Master master() {
        return branch.master();
    }

    public ForwarderModel forwarder() {
        return forwarder;
    }

    public long nanos() {
        return nanos;
    }

    /** Positions of an epoch speak of the master as it is now. */
    public void follows(Epoch epoch, Master master) {
        turns++;
        if (master == branch.master()) {
            branches.put(epoch, branch);
        }
    }

    /** Grows when what the master was is told anew; else its history only gets longer. */
    int turns() {
        return turns;
    }

    Branch branchOf(Epoch epoch) {
        return branches.getOrDefault(epoch, branch);
    }

    public TableSchema schema(int oid) {
        return branch.master().tableOf(oid).schema();
    }

    /** A table was parked: nothing in the model damages a slave's rows, so nothing ever misfits. */
    public void parked(String slave, TableName table, long seq, String why) {
        throw new Violation(slave + ": table " + table + " was parked at seq " + seq + ": " + why);
    }

    public void log(String who, Supplier<String> what) {
        if (trace != null) {
            trace.add(String.format(java.util.Locale.ROOT, "%4d  %s: %s", steps, who, what.get()));
        }
    }

    // Steps.

    /** Takes a step; false when it does nothing now. */
    boolean step(Choice choice) throws IOException {
        nanos += NANOS_PER_STEP;
        steps++;
        boolean done = act(choice.action(), choice.argument());
        if (done) {
            counts.merge(choice.action(), 1, Integer::sum);
            check();
        }
        return done;
    }

    /** How often each action did something. */
    Map<Action, Integer> counts() {
        return counts;
    }

    private void check() {
        slaves.forEach(SlaveModel::check);
    }

    private SlaveModel slave(int argument) {
        return slaves.get(argument % slaves.size());
    }

    private boolean act(Action action, int argument) throws IOException {
        return switch (action) {
            case MASTER_WRITE -> applications.write(argument);
            case MASTER_COMMIT -> applications.commit(argument, false);
            case MASTER_VISIBLE -> applications.makeVisible(argument);
            case MASTER_ABORT -> applications.abort(argument);
            case MASTER_PREPARE -> applications.prepare(argument);
            case MASTER_COMMIT_ASYNC -> applications.commit(argument, true);
            case MASTER_FLUSH -> applications.flush();
            case MASTER_CHECKPOINT -> checkpoint();
            case MASTER_REWRITE -> applications.define(argument, WalEntry.Kind.REWRITE);
            case MASTER_VACUUM_FULL -> applications.define(argument, WalEntry.Kind.VACUUM_FULL);
            case MASTER_CRASH -> crashMaster();
            case MASTER_BACKUP -> backupMaster();
            case MASTER_RESTORE -> restoreMaster();
            case CAPTURE_START -> capture.start();
            case CAPTURE_CONNECT -> capture.connect();
            case CAPTURE_READ -> capture.read();
            case CAPTURE_SYNC -> capture.sync();
            case CAPTURE_CONFIRM -> capture.confirm();
            case CAPTURE_POLL -> capture.poll(argument % 2 == 0);
            case CAPTURE_LINK -> capture.link();
            case CAPTURE_SEND -> capture.send();
            case CAPTURE_PRUNE -> capture.prune();
            case CAPTURE_DUMP -> capture.dump();
            case CAPTURE_CRASH -> crashCapture(argument);
            case CAPTURE_LOSES_MASTER -> loseMaster();
            case CAPTURE_LOSES_FORWARDER -> loseForwarder();
            case CAPTURE_TABLES -> selectTables(argument);
            case CAPTURE_BACKUP -> backupCapture();
            case CAPTURE_RESTORE -> restoreCapture();
            case CAPTURE_LOSES_DISK -> loseCaptureDisk();
            case CAPTURE_NEW_EPOCH -> capture.needsNewEpoch() && capture.newEpoch();
            default -> actBehind(action, argument);
        };
    }

    private boolean actBehind(Action action, int argument) throws IOException {
        return switch (action) {
            case FORWARDER_START -> forwarder.start();
            case FORWARDER_SYNC -> forwarder.sync();
            case FORWARDER_HOUSEKEEP -> forwarder.housekeep();
            case FORWARDER_CRASH -> crashForwarder(argument);
            case FORWARDER_BACKUP -> backupForwarder();
            case FORWARDER_RESTORE -> restoreForwarder();
            case FORWARDER_LOSES_DISK -> loseForwarderDisk();
            case FORWARDER_LOSES_INDEX -> loseForwarderIndex();
            case FORWARDER_TABLE_SET -> changeTableSet(argument);
            case FORWARDER_REQUEST_DUMP -> forwarder.requestDump(Master.NAMES.get(argument % 3));
            case SLAVE_STEP -> slave(argument).step(argument / 2);
            case SLAVE_START -> slave(argument).start();
            case SLAVE_FLUSH -> slave(argument).flush();
            case SLAVE_CRASH -> slave(argument).crash(argument / 2);
            case SLAVE_LOSES_LOCK -> slave(argument).loseLock();
            case SLAVE_LOSES_CONNECTION -> slave(argument).loseConnection(argument / 2);
            case SLAVE_LATE_COMMIT -> slave(argument).lateCommit();
            case SLAVE_DATABASE_CRASH -> slave(argument).crashDatabase();
            case SLAVE_DATABASE_BACKUP -> slave(argument).backup();
            case SLAVE_DATABASE_RESTORE -> slave(argument).restore();
            case SLAVE_RESYNC -> resync(argument);
            case SLAVE_PAUSE -> slave(argument).command("pause", List.of());
            case SLAVE_RESUME -> resume(argument);
            default -> throw new IllegalStateException("" + action);
        };
    }

    // The master's accidents.

    private boolean checkpoint() {
        master().checkpoint();
        return true;
    }

    private boolean crashMaster() {
        turns++;
        branch.become(master().crashed());
        log("master", () -> "crashes and recovers at lsn " + master().flushLsn());
        return true;
    }

    private boolean backupMaster() {
        Master master = master();
        masterBackup = new Backup(master, master.flushedCommits(), master.slotExists(), master.slotSaved);
        log("master", () -> "is backed up at lsn " + master.flushLsn());
        return true;
    }

    private boolean restoreMaster() {
        if (masterBackup == null) {
            return false;
        }
        turns++;
        Master old = master();
        branch.become(old.replayed(old.flushedCommits()));
        Master restored = masterBackup.from().replayed(masterBackup.commits());
        restored.slotExists = masterBackup.slotExists();
        restored.slotSaved = masterBackup.slotSaved();
        restored.slotConfirmed = masterBackup.slotSaved();
        branch = new Branch(steps, restored);
        capture.disconnectMaster();
        log("master", () -> "is restored from its backup, at lsn " + restored.flushLsn());
        return true;
    }

    // Capture's.

    private boolean crashCapture(int argument) {
        boolean was = capture.isRunning();
        capture.crash(argument % 4);
        log("capture", () -> "dies");
        return was;
    }

    private boolean loseMaster() {
        capture.disconnectMaster();
        log("capture", () -> "loses the master");
        return true;
    }

    private boolean loseForwarder() {
        capture.disconnectForwarder();
        log("capture", () -> "loses the forwarder");
        return true;
    }

    private boolean selectTables(int argument) {
        Set<String> tables = new TreeSet<>(capture.selected());
        String table = Master.NAMES.get(argument % 3);
        if (!tables.remove(table)) {
            tables.add(table);
        }
        capture.select(tables);
        log("capture", () -> "has tables: " + tables);
        return true;
    }

    private boolean backupCapture() {
        captureBackup = capture.backup();
        log("capture", () -> "its disk is backed up");
        return true;
    }

    private boolean restoreCapture() {
        if (captureBackup == null) {
            return false;
        }
        capture.restore(captureBackup);
        log("capture", () -> "its disk is restored from the backup");
        return true;
    }

    private boolean loseCaptureDisk() {
        capture.loseDisk(settings.recordsPerSegment());
        log("capture", () -> "its disk is lost");
        return true;
    }

    // The forwarder's.

    private boolean crashForwarder(int argument) {
        boolean was = forwarder.isRunning();
        forwarder.crash(argument % 4);
        log("forwarder", () -> "dies");
        return was;
    }

    private boolean backupForwarder() {
        forwarderBackup = forwarder.backup();
        log("forwarder", () -> "its disk is backed up");
        return true;
    }

    private boolean restoreForwarder() {
        if (forwarderBackup == null) {
            return false;
        }
        forwarder.restore(forwarderBackup);
        log("forwarder", () -> "its disk is restored from the backup");
        return true;
    }

    private boolean loseForwarderDisk() {
        forwarder.loseDisk(settings.recordsPerSegment());
        log("forwarder", () -> "its disk is lost");
        return true;
    }

    private boolean loseForwarderIndex() {
        forwarder.loseIndex();
        log("forwarder", () -> "its index is lost");
        return true;
    }

    private boolean changeTableSet(int argument) throws IOException {
        String slave = slave(argument).name;
        List<String> tables = Settings.tables(new Random(argument));
        forwarder.grant(slave, tables);
        log("forwarder", () -> slave + " is granted " + tables);
        forwarder.reload();
        return true;
    }

    // Operators of slaves.

    private boolean resync(int argument) {
        SlaveModel slave = slave(argument);
        List<TableName> carried =
                new ArrayList<>(new TreeSet<>(slave.database().state().tables().keySet()));
        if (carried.isEmpty() || slave.leader() == null) {
            return false;
        }
        int which = argument / 2 % (carried.size() + 1);
        List<String> tables = which == carried.size()
                ? carried.stream().map(TableName::toString).toList()
                : List.of(carried.get(which).toString());
        return slave.command("resync", tables);
    }

    private boolean resume(int argument) {
        SlaveModel slave = slave(argument);
        return slave.database().state().paused() && slave.command("resume", List.of());
    }

    // The end.

    CaptureModel capture() {
        return capture;
    }

    List<SlaveModel> slaves() {
        return slaves;
    }

    /** No more writers, faults and zombies. */
    void settle() {
        applications.finish();
        slaves.forEach(SlaveModel::settle);
        capture.select(new HashSet<>(Master.NAMES));
        for (SlaveModel slave : slaves) {
            if (slave.database().state().paused()) {
                slave.start();
                slave.command("resume", List.of());
            }
        }
        log("world", () -> "no more faults; everybody goes on in turn");
    }

    /** Everybody takes his steps once; false when nobody could do anything. */
    boolean round() throws IOException {
        nanos += 5 * NANOS_PER_STEP;
        steps++;
        boolean any = forwarder.start() | capture.start() | capture.connect();
        if (capture.needsNewEpoch()) {
            any |= capture.newEpoch();
        }
        for (int i = 0; i < 8; i++) {
            any |= capture.read();
            any |= capture.dump();
        }
        any |= capture.sync();
        any |= capture.confirm();
        capture.poll(true);
        any |= capture.link();
        for (int i = 0; i < 16; i++) {
            any |= capture.send();
        }
        any |= forwarder.sync();
        forwarder.housekeep();
        any |= capture.prune();
        for (SlaveModel slave : slaves) {
            any |= slave.stepAll();
            if (slave.leader().isForked()) {
                any |= slave.command("resync", List.of());
            }
        }
        check();
        return any;
    }
}
