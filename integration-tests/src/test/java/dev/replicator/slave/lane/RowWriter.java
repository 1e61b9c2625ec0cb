package dev.replicator.slave.lane;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.queue.Unchanged;
import dev.replicator.simulation.MemoryDatabase;
import dev.replicator.simulation.TableRows;
import dev.replicator.slave.netting.NetRow;
import dev.replicator.slave.netting.NettingException;
import dev.replicator.slave.netting.RowNetting;
import dev.replicator.slave.postgres.BatchConflictException;
import dev.replicator.slave.postgres.Conflict;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes a lane's changes into a {@link MemoryDatabase}: netted by the product's {@link RowNetting}, in the order of the
 * product's statements, or carefully one by one.
 */
final class RowWriter implements ChangeWriter {
    private final MemoryDatabase database;
    private final boolean careful;
    private final Map<TableName, RowNetting> netted = new LinkedHashMap<>();

    RowWriter(MemoryDatabase database, boolean careful) {
        this.database = database;
        this.careful = careful;
    }

    @Override
    public void begin() {
        netted.clear();
    }

    @Override
    public void write(ChangeRun run) throws BatchConflictException, ParkException {
        TableName relation = run.replica().relation();
        for (RowChange change : run.changes()) {
            TableRows rows = rows(relation);
            if (careful) {
                one(run, relation, rows, change);
            } else if (change.kind() == ChangeKind.TRUNCATE) {
                flush();
                database.put(relation, TableRows.empty(rows.keyed()));
            } else if (rows.keyed()) {
                net(relation, change);
            } else {
                TableRows next = applied(rows, change);
                if (next == null) {
                    throw conflict(relation, "a row is not there");
                }
                database.put(relation, next);
            }
        }
    }

    private TableRows rows(TableName relation) throws BatchConflictException {
        TableRows rows = database.table(relation);
        if (rows == null) {
            throw conflict(relation, "it is not there");
        }
        return rows;
    }

    private void net(TableName relation, RowChange change) throws BatchConflictException {
        try {
            netted.computeIfAbsent(relation, name -> new RowNetting(new int[] {0}))
                    .add(change);
        } catch (NettingException e) {
            throw conflict(relation, e.getMessage());
        }
    }

    private void one(ChangeRun run, TableName relation, TableRows rows, RowChange change) throws ParkException {
        TableRows next = change.kind() == ChangeKind.TRUNCATE ? TableRows.empty(rows.keyed()) : applied(rows, change);
        if (next == null) {
            Conflict conflict =
                    new Conflict(relation, Conflict.Kind.MISSING_ROW, change.kind() + " does not fit", null, null, "");
            throw new ParkException(run.replica(), run.seq(), conflict.detail(), "", conflict, null);
        }
        database.put(relation, next);
    }

    /** Rows behind one change; null when it does not fit. */
    private static TableRows applied(TableRows rows, RowChange change) {
        Object[] after = change.after();
        Object[] before = change.before();
        String oldId = before != null ? text(before[0]) : change.kind() == ChangeKind.UPDATE ? text(after[0]) : null;
        TableRows next = rows;
        String oldRest = null;
        if (oldId != null) {
            oldRest = rows.keyed() ? rows.rest(oldId) : text(before[1]) + "~" + text(before[2]);
            next = rows.delete(oldId, oldRest);
        }
        return after == null || next == null ? next : next.insert(text(after[0]), rest(after, oldRest));
    }

    private static String rest(Object[] values, String old) {
        String v =
                values[1] == Unchanged.UNCHANGED && old != null ? old.substring(0, old.indexOf('~')) : text(values[1]);
        String big =
                values[2] == Unchanged.UNCHANGED && old != null ? old.substring(old.indexOf('~') + 1) : text(values[2]);
        return v + "~" + big;
    }

    private static String text(Object value) {
        return String.valueOf(value);
    }

    @Override
    public void finish() throws BatchConflictException {
        flush();
    }

    private void flush() throws BatchConflictException {
        for (Map.Entry<TableName, RowNetting> table : netted.entrySet()) {
            database.put(
                    table.getKey(),
                    written(
                            table.getKey(),
                            rows(table.getKey()),
                            table.getValue().rows()));
        }
        netted.clear();
    }

    /** Deletes and old rows of moved ones, then updates, then inserts: as {@code NetTable} writes them. */
    private static TableRows written(TableName relation, TableRows before, List<NetRow> net)
            throws BatchConflictException {
        TableRows rows = before;
        List<String[]> moved = new ArrayList<>();
        for (NetRow row : net) {
            if (row.origin() != null && (!row.live() || row.keyChanged())) {
                String old = rows.rest(text(row.origin()[0]));
                rows = expect(relation, rows.delete(text(row.origin()[0]), ""));
                if (row.live()) {
                    moved.add(new String[] {text(row.values()[0]), rest(row.values(), old)});
                }
            }
        }
        for (NetRow row : net) {
            if (row.live() && row.origin() != null && !row.keyChanged()) {
                String id = text(row.origin()[0]);
                String old = rows.rest(id);
                rows = expect(relation, old == null ? null : rows.update(id, rest(row.values(), old)));
            }
        }
        for (NetRow row : net) {
            if (row.live() && row.origin() == null) {
                rows = expect(relation, rows.insert(text(row.values()[0]), rest(row.values(), null)));
            }
        }
        for (String[] row : moved) {
            rows = expect(relation, rows.insert(row[0], row[1]));
        }
        return rows;
    }

    private static TableRows expect(TableName relation, TableRows rows) throws BatchConflictException {
        if (rows == null) {
            throw conflict(relation, "row counts differ");
        }
        return rows;
    }

    private static BatchConflictException conflict(TableName relation, String why) {
        return new BatchConflictException(Set.of(relation), relation + ": " + why, null);
    }

    @Override
    public void committed() {
        netted.clear();
    }

    @Override
    public void rolledBack() {
        netted.clear();
    }

    @Override
    public void close() {
        netted.clear();
    }
}
