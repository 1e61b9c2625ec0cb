package dev.replicator.simulation;

import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.slave.state.LanePosition;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.Stage;
import dev.replicator.slave.state.TableState;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A reader of one slave who knows the master's history. After every step: all tables of the main lane are what the master
 * was at the main lane's position, one position for all; a table out of the lane, once in service, is still what the
 * master was at some moment; and no table ever goes back.
 */
final class Witness {
    private final World world;
    private final String slave;
    private Map<TableName, Seen> seen = new HashMap<>();
    private MemoryDatabase looked;
    private long lookedVersion;
    private int lookedTurns;

    /**
     * What was seen of a table last.
     *
     * @param branch whose history it is
     * @param life which of the table's lives
     * @param commits how many commits it holds
     */
    private record Seen(Branch branch, int life, int commits) {}

    /** What a witness knew at a moment. */
    record Memory(Map<TableName, Seen> seen) {}

    Witness(World world, String slave) {
        this.world = world;
        this.slave = slave;
    }

    Memory remember() {
        return new Memory(new HashMap<>(seen));
    }

    /** The database is an older one by an operator's will. */
    void recall(Memory memory) {
        seen = new HashMap<>(memory.seen());
        looked = null;
    }

    /** The database lost commits that were not on its disk. */
    void wentBack(MemoryDatabase database) {
        seen = new HashMap<>();
        compare(database);
    }

    void check(MemoryDatabase database) {
        boolean news = database != looked || database.version() != lookedVersion || world.turns() != lookedTurns;
        if (news) {
            compare(database);
            looked = database;
            lookedVersion = database.version();
            lookedTurns = world.turns();
        }
    }

    private void compare(MemoryDatabase database) {
        SlaveState state = database.state();
        Optional<LanePosition> main = state.main();
        if (main.isEmpty()) {
            return;
        }
        seen.keySet().retainAll(state.tables().keySet());
        for (TableState table : state.tables().values()) {
            TableRows rows = database.table(table.table());
            if (table.stage() == Stage.ERROR) {
                throw new Violation(slave + ": table " + table.table() + " failed: " + table.reason());
            }
            if (table.isLive()) {
                live(table, rows, main.get().position());
            } else {
                waiting(state, table, rows);
            }
        }
    }

    private void live(TableState table, TableRows rows, Position position) {
        Branch branch = world.branchOf(position.epoch());
        Master master = branch.master();
        MasterTable truth = master.table(table.table().table());
        Seen before = seen.get(table.table());
        boolean same = before != null && before.branch() == branch;
        int first = master.commitsUpTo(position.lsn());
        int commits = first;
        while (true) {
            for (int life = same ? before.life() : 0; life < truth.lives(); life++) {
                boolean notBack = !same || commits >= before.commits();
                if (notBack && rows != null && rows.equals(truth.at(life, commits))) {
                    seen.put(table.table(), new Seen(branch, life, commits));
                    return;
                }
            }
            if (commits >= master.commits() || master.entry(commits).isStreamed()) {
                break;
            }
            commits++;
        }
        throw new Violation(slave + ": table " + table.table() + " is in service at " + position + " with rows "
                + rows + ", the master had " + truth.at(truth.lives() - 1, first) + " (life "
                + (truth.lives() - 1) + ", commit " + first + "); seen before: " + before);
    }

    private void waiting(SlaveState state, TableState table, TableRows rows) {
        Seen before = seen.get(table.table());
        if (before == null) {
            return;
        }
        Seen now = find(table.table(), rows, before);
        Optional<Branch> another = state.lane(table.lane() == null ? LanePosition.MAIN : table.lane())
                .map(lane -> world.branchOf(lane.position().epoch()));
        if (now == null && another.isPresent() && another.get() != before.branch()) {
            // Its lane is in a history that began when the master was put back.
            now = find(table.table(), rows, new Seen(another.get(), 0, 0));
        }
        if (now == null) {
            throw new Violation(slave + ": table " + table.table() + ", which was in service and waits, has rows "
                    + rows + ", which the master did not have since " + before);
        }
        seen.put(table.table(), now);
    }

    private static Seen find(TableName table, TableRows rows, Seen from) {
        Master master = from.branch().master();
        MasterTable truth = master.table(table.table());
        for (int life = from.life(); life < truth.lives(); life++) {
            for (int commits = from.commits(); commits <= master.commits(); commits++) {
                if (rows != null && rows.equals(truth.at(life, commits))) {
                    return new Seen(from.branch(), life, commits);
                }
            }
        }
        return null;
    }
}
