package dev.replicator.simulation;

import dev.replicator.queue.ChangeKind;
import dev.replicator.simulation.Master.Transaction;
import dev.replicator.simulation.WalEntry.Change;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** Who writes on the master: a few transactions at a time on a few rows. */
final class Applications {
    private static final int OPEN = 3;
    private static final int IDS = 5;

    private final World world;
    private int values;

    Applications(World world) {
        this.world = world;
    }

    private void log(Supplier<String> what) {
        world.log("master", what);
    }

    /** A change in an open transaction or a new one. */
    boolean write(int choice) {
        Master master = world.master();
        List<Transaction> open = writable(master);
        int which = choice % (open.size() + 1);
        boolean fresh = which == open.size();
        if (fresh && master.open().size() >= OPEN) {
            return false;
        }
        int rest = choice / 4;
        String table = Master.NAMES.get(rest % Master.NAMES.size());
        Transaction transaction = fresh ? master.begin() : open.get(which);
        Change change = change(master, transaction, table, rest / 3);
        if (change == null) {
            if (fresh) {
                master.abort(transaction);
            }
            return false;
        }
        master.write(transaction, change);
        log(() -> "xid " + transaction.xid + " " + change.kind() + " " + table + " " + change.oldId() + " -> "
                + change.id() + " " + change.rest() + (change.published() ? "" : " (not published)"));
        return true;
    }

    private static List<Transaction> writable(Master master) {
        return master.open().stream().filter(each -> !each.prepared).toList();
    }

    private Change change(Master master, Transaction transaction, String name, int choice) {
        MasterTable table = master.table(name);
        TableRows rows = master.visibleTo(transaction, name);
        boolean published = table.isPublished();
        int kind = choice % 16;
        int which = choice / 16 & 0x7fff;
        if (kind == 15) {
            return master.isLocked(transaction, name, "")
                    ? null
                    : new Change(name, published, ChangeKind.TRUNCATE, null, null, null, null, false);
        }
        String id = String.valueOf(which % IDS);
        String rest = "v" + ++values + "~b" + values;
        if (kind < 6 || rows.isEmpty()) {
            boolean free = !table.keyed || rows.rest(id) == null;
            String fresh = table.keyed ? rest : "v" + which / IDS % 2 + "~b";
            return !free || locked(master, transaction, table, id, fresh)
                    ? null
                    : new Change(name, published, ChangeKind.INSERT, null, null, id, fresh, false);
        }
        List<String> keys = new ArrayList<>(rows.rows().keySet());
        String key = keys.get(which % keys.size());
        String oldId = table.keyed ? key : key.substring(0, key.indexOf('|'));
        String oldRest = table.keyed ? rows.rest(key) : key.substring(key.indexOf('|') + 1);
        if (locked(master, transaction, table, oldId, oldRest)) {
            return null;
        }
        if (kind < 9) {
            return new Change(name, published, ChangeKind.DELETE, oldId, oldRest, null, null, false);
        }
        boolean moves = kind < 11 && !id.equals(oldId);
        String newId = moves || !table.keyed ? id : oldId;
        boolean keepsBig = table.keyed && kind % 2 == 0;
        String newRest = keepsBig ? "v" + values + "~" + MasterTable.last(oldRest) : rest;
        if (!table.keyed) {
            newRest = "v" + which / IDS % 2 + "~b";
        }
        boolean taken = table.keyed && !newId.equals(oldId) && rows.rest(newId) != null;
        return taken || locked(master, transaction, table, newId, newRest)
                ? null
                : new Change(name, published, ChangeKind.UPDATE, oldId, oldRest, newId, newRest, keepsBig);
    }

    private static boolean locked(Master master, Transaction by, MasterTable table, String id, String rest) {
        return master.isLocked(by, table.name.table(), table.keyed ? id : id + rest);
    }

    boolean commit(int choice, boolean async) {
        Master master = world.master();
        List<Transaction> open =
                master.open().stream().filter(each -> !async || !each.prepared).toList();
        if (open.isEmpty()) {
            return false;
        }
        Transaction transaction = open.get(choice % open.size());
        master.commit(transaction, !async);
        log(() -> "xid " + transaction.xid + " commits at lsn "
                + master.entry(master.commits() - 1).endLsn()
                + (async ? ", visible, not flushed" : ", flushed, not yet visible"));
        if (async) {
            master.makeVisible(transaction);
        }
        return true;
    }

    boolean makeVisible(int choice) {
        List<Transaction> invisible = world.master().invisible();
        if (invisible.isEmpty()) {
            return false;
        }
        Transaction transaction = invisible.get(choice % invisible.size());
        world.master().makeVisible(transaction);
        log(() -> "xid " + transaction.xid + " becomes visible");
        return true;
    }

    boolean abort(int choice) {
        List<Transaction> open = world.master().open();
        if (open.isEmpty()) {
            return false;
        }
        Transaction transaction = open.get(choice % open.size());
        world.master().abort(transaction);
        log(() -> "xid " + transaction.xid + " is rolled back");
        return true;
    }

    boolean prepare(int choice) {
        List<Transaction> open = writable(world.master());
        if (open.isEmpty()) {
            return false;
        }
        Transaction transaction = open.get(choice % open.size());
        transaction.prepared = true;
        // What it builds upon is on disk before it is.
        world.master().flush();
        log(() -> "xid " + transaction.xid + " is prepared");
        return true;
    }

    boolean flush() {
        Master master = world.master();
        if (master.flushedCommits() == master.commits()) {
            return false;
        }
        master.flush();
        log(() -> "flushes its log up to " + master.flushLsn());
        return true;
    }

    /** ALTER TABLE: needs the table for itself. */
    boolean define(int choice, WalEntry.Kind kind) {
        Master master = world.master();
        String name = Master.NAMES.get(choice % Master.NAMES.size());
        boolean busy = !master.writers(name).isEmpty() || kind == WalEntry.Kind.REWRITE && !master.table(name).keyed;
        if (busy) {
            return false;
        }
        master.define(name, kind);
        log(() -> kind + " of " + name);
        return true;
    }

    /** Everybody comes to an end. */
    void finish() {
        Master master = world.master();
        for (Transaction transaction : master.open()) {
            master.commit(transaction, true);
        }
        for (Transaction transaction : master.invisible()) {
            master.makeVisible(transaction);
        }
        master.flush();
    }
}
