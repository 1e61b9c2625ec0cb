package dev.replicator.simulation;

import dev.replicator.capture.postgres.Snapshot;
import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.TableName;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The master's server: its log, who sees what, locks, one publication and one slot. What is in the log is not yet visible;
 * what is visible need not be in the log on disk (asynchronous commit).
 */
public final class Master {
    /** Tables by name; the last one has no key. */
    public static final List<String> NAMES = List.of("a", "b", "k");

    private static final long FIRST_LSN = 1000;
    private static final long RECORD = 10;

    private final Map<String, MasterTable> tables = new TreeMap<>();
    private final List<WalEntry> wal = new ArrayList<>();
    private final Map<Long, Transaction> running = new TreeMap<>();
    private final long firstXid;
    private final Clock clock;
    private long nextXid;
    private long latestCompleted;
    private int flushed;

    boolean slotExists;
    long slotConfirmed;
    long slotSaved;
    private long checkpoints;

    /** Commit times and numbers that go on whatever is restored. */
    static final class Clock {
        private long micros = 1_000_000;
        private long number = 100;

        long tick() {
            return ++micros;
        }

        long number() {
            return ++number;
        }
    }

    /** A transaction that is not visible yet. */
    static final class Transaction {
        final long xid;
        final List<WalEntry.Change> changes = new ArrayList<>();
        final Set<String> locks = new HashSet<>();
        boolean prepared;
        boolean inLog;

        Transaction(long xid) {
            this.xid = xid;
        }

        boolean wrote(String table) {
            return changes.stream().anyMatch(change -> change.table().equals(table));
        }
    }

    Master(long firstXid) {
        this(firstXid, new Clock());
    }

    private Master(long firstXid, Clock clock) {
        this.firstXid = firstXid;
        this.nextXid = firstXid;
        this.latestCompleted = firstXid - 1;
        this.clock = clock;
        int oid = 10;
        for (String name : NAMES) {
            oid++;
            tables.put(name, new MasterTable(new TableName("public", name), oid, !name.equals("k")));
        }
        tables.values().forEach(MasterTable::begin);
    }

    // What others see.

    public MasterTable table(String name) {
        return tables.get(name);
    }

    public Map<String, MasterTable> tables() {
        return tables;
    }

    MasterTable tableOf(int oid) {
        return tables.values().stream()
                .filter(table -> table.oid == oid)
                .findFirst()
                .orElseThrow();
    }

    int commits() {
        return wal.size();
    }

    public WalEntry entry(int index) {
        return wal.get(index);
    }

    /** Entries on disk. */
    public int flushedCommits() {
        return flushed;
    }

    public long flushLsn() {
        return flushed == 0 ? FIRST_LSN : wal.get(flushed - 1).endLsn();
    }

    private long insertLsn() {
        return wal.isEmpty() ? FIRST_LSN : wal.get(wal.size() - 1).endLsn();
    }

    /** Number of commits that end at or below an LSN. */
    public int commitsUpTo(long lsn) {
        int count = 0;
        while (count < wal.size() && Long.compareUnsigned(wal.get(count).endLsn(), lsn) <= 0) {
            count++;
        }
        return count;
    }

    /** {@code pg_current_snapshot()}. */
    public Snapshot snapshot() {
        long xmax = latestCompleted + 1;
        List<Long> inProgress =
                running.keySet().stream().filter(xid -> xid < xmax).toList();
        long xmin = inProgress.isEmpty() ? xmax : inProgress.get(0);
        return new Snapshot(xmin, xmax, inProgress);
    }

    /** The rows a snapshot sees in the life of the table that is current. */
    public TableRows seen(String table, Snapshot snapshot) {
        MasterTable of = tables.get(table);
        TableRows rows = TableRows.empty(of.keyed);
        for (WalEntry entry : wal) {
            if (snapshot.sees(entry.xid())) {
                for (WalEntry.Change change : entry.changes()) {
                    if (change.table().equals(table)) {
                        rows = MasterTable.apply(rows, change);
                    }
                }
                rows = rewritten(rows, entry, table);
            }
        }
        return rows;
    }

    private static TableRows rewritten(TableRows rows, WalEntry entry, String table) {
        WalEntry.Definition definition = entry.definition();
        TableRows next = rows;
        if (definition != null
                && definition.kind() == WalEntry.Kind.REWRITE
                && definition.table().equals(table)) {
            for (String id : rows.rows().keySet()) {
                next = next.update(id, "r" + definition.number() + rows.rest(id));
            }
        }
        return next;
    }

    /** Transactions with a write lock on a table, prepared ones included. */
    public List<Long> writers(String table) {
        return running.values().stream()
                .filter(transaction -> transaction.wrote(table))
                .map(transaction -> transaction.xid)
                .toList();
    }

    boolean isRunning(long xid) {
        return running.containsKey(xid);
    }

    List<Transaction> open() {
        return running.values().stream().filter(each -> !each.inLog).toList();
    }

    List<Transaction> invisible() {
        return running.values().stream().filter(each -> each.inLog).toList();
    }

    // What applications do.

    Transaction begin() {
        Transaction transaction = new Transaction(nextXid++);
        running.put(transaction.xid, transaction);
        return transaction;
    }

    /** Rows of a table as an open transaction sees and may touch them. */
    TableRows visibleTo(Transaction transaction, String table) {
        TableRows rows = tables.get(table).rows();
        for (WalEntry.Change change : transaction.changes) {
            if (change.table().equals(table)) {
                rows = MasterTable.apply(rows, change);
            }
        }
        return rows;
    }

    /** Whether somebody else holds a row, or the whole table. */
    boolean isLocked(Transaction by, String table, String row) {
        for (Transaction other : running.values()) {
            if (other != by
                    && (other.locks.contains(table + "/" + row)
                            || other.locks.contains(table)
                            || row.isEmpty() && other.wrote(table))) {
                return true;
            }
        }
        return false;
    }

    void write(Transaction transaction, WalEntry.Change change) {
        transaction.changes.add(change);
        if (change.kind() == ChangeKind.TRUNCATE) {
            transaction.locks.add(change.table());
        }
        boolean keyed = tables.get(change.table()).keyed;
        if (change.oldId() != null) {
            transaction.locks.add(change.table() + "/" + (keyed ? change.oldId() : change.oldId() + change.oldRest()));
        }
        if (change.id() != null) {
            transaction.locks.add(change.table() + "/" + (keyed ? change.id() : change.id() + change.rest()));
        }
    }

    /** The commit record is in the log; nobody sees the transaction yet. */
    void commit(Transaction transaction, boolean flush) {
        transaction.inLog = true;
        append(new WalEntry(
                insertLsn() + 1,
                insertLsn() + RECORD,
                transaction.xid,
                clock.tick(),
                List.copyOf(transaction.changes),
                null,
                null));
        if (flush) {
            flush();
        }
    }

    void makeVisible(Transaction transaction) {
        running.remove(transaction.xid);
        latestCompleted = Math.max(latestCompleted, transaction.xid);
    }

    void abort(Transaction transaction) {
        makeVisible(transaction);
    }

    void flush() {
        flushed = wal.size();
    }

    private void append(WalEntry entry) {
        wal.add(entry);
        tables.values().forEach(table -> table.commit(entry, wal.size()));
    }

    /** Changes a definition, in a transaction of its own that is visible at once. */
    void define(String table, WalEntry.Kind kind) {
        Transaction transaction = begin();
        WalEntry.Definition definition = new WalEntry.Definition(table, kind, clock.number());
        append(new WalEntry(
                insertLsn() + 1, insertLsn() + RECORD, transaction.xid, clock.tick(), List.of(), null, definition));
        flush();
        makeVisible(transaction);
    }

    public void publish(String table) {
        define(table, WalEntry.Kind.PUBLISH);
    }

    public void unpublish(String table) {
        define(table, WalEntry.Kind.UNPUBLISH);
    }

    /** A transactional logical message, flushed with all before it. */
    public void emitMessage(String content) {
        Transaction transaction = begin();
        append(new WalEntry(
                insertLsn() + 1, insertLsn() + RECORD, transaction.xid, clock.tick(), List.of(), content, null));
        flush();
        makeVisible(transaction);
    }

    // The slot.

    /** Makes the slot where the log ends now; everybody who was writing has ended. */
    public long createSlot() {
        flush();
        slotExists = true;
        slotConfirmed = insertLsn();
        slotSaved = slotConfirmed;
        return slotConfirmed;
    }

    public void dropSlot() {
        slotExists = false;
    }

    public boolean slotExists() {
        return slotExists;
    }

    public long slotConfirmed() {
        return slotConfirmed;
    }

    public void confirm(long lsn) {
        if (Long.compareUnsigned(lsn, slotConfirmed) > 0) {
            slotConfirmed = lsn;
        }
    }

    void checkpoint() {
        slotSaved = slotConfirmed;
        checkpoints++;
    }

    public long checkpoints() {
        return checkpoints;
    }

    public boolean mayCreateSlot() {
        return running.isEmpty();
    }

    // Accidents.

    /** The server dies and recovers: open transactions are gone, prepared ones are not, unflushed commits are lost. */
    Master crashed() {
        Master next = replayed(flushed);
        for (Transaction transaction : running.values()) {
            if (transaction.prepared && !transaction.inLog) {
                next.running.put(transaction.xid, transaction);
            }
        }
        next.nextXid = nextXid;
        next.latestCompleted = nextXid - 1;
        next.slotConfirmed = slotSaved;
        return next;
    }

    /** The server as it was when it had so many commits. */
    Master replayed(int commits) {
        Master next = new Master(firstXid, clock);
        for (int i = 0; i < commits; i++) {
            next.append(wal.get(i));
            next.nextXid = Math.max(next.nextXid, wal.get(i).xid() + 1);
        }
        next.flush();
        next.latestCompleted = next.nextXid - 1;
        next.slotExists = slotExists;
        next.slotSaved = slotSaved;
        next.slotConfirmed = slotSaved;
        next.checkpoints = checkpoints;
        return next;
    }
}
