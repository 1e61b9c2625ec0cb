package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;
import dev.replicator.slave.netting.NetRow;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Writes the netted rows of one table in three phases, which the caller interleaves with those of other tables: {@link
 * #deleteOld}, {@link #update}, {@link #insertNew}. Between {@link #prepare} and the end nobody else may write the table.
 */
final class NetTable {
    private final TableBinding binding;
    private final SetWriter writer;
    private final List<NetRow> deletes;
    private final List<NetRow> updates;
    private final List<NetRow> splits = new ArrayList<>();
    private final List<NetRow> inserts = new ArrayList<>();
    private List<Object[]> completed = List.of();
    private Sql deletion;
    private List<Update> updating;
    private Insertion insertion;

    /** A statement for updates that know the same columns. */
    private record Update(Sql statement, boolean asks, int rows) {}

    NetTable(TableBinding binding, SetWriter writer, List<NetRow> rows) {
        this.binding = binding;
        this.writer = writer;
        List<NetRow> gone = new ArrayList<>();
        List<NetRow> kept = new ArrayList<>();
        for (NetRow row : rows) {
            if (!row.live()) {
                gone.add(row);
            } else if (row.origin() == null) {
                inserts.add(row);
            } else if (row.keyChanged()) {
                splits.add(row);
            } else {
                kept.add(row);
            }
        }
        updates = KeyOrder.of(kept);
        deletes = KeyOrder.of(gone);
    }

    TableBinding binding() {
        return binding;
    }

    /** Makes its statements ahead, unless the target is to be asked first which updates are split. */
    void encode() {
        if (binding.splitting().length > 0) {
            return;
        }
        if (!deletes.isEmpty()) {
            deletion = writer.deletion(deletes);
        }
        updating = updates();
        if (!inserts.isEmpty()) {
            insertion = insertion();
            insertion.encode();
        }
    }

    /** Whether its statements are made, and none depends on what the target answers to another. */
    boolean isReady() {
        return updating != null && splits.isEmpty() && (insertion == null || insertion.statement() != null);
    }

    void planDeletes(Plan plan) {
        if (deletion != null) {
            plan.add(deletion, binding, "DELETE", deletes.size());
        }
    }

    void planUpdates(Plan plan) {
        updating.forEach(update -> plan.add(update.statement, binding, "UPDATE", update.rows));
    }

    void planInserts(Plan plan) {
        if (insertion != null) {
            plan.addInsert(insertion.statement(), binding, inserts.size());
        }
    }

    /** Decides which updates are split (rule R04). */
    void prepare(Statements statements, boolean replicaRole) throws SQLException, BatchConflictException {
        Set<NetRow> changing = new HashSet<>();
        if (binding.splitting().length > 0) {
            for (Map.Entry<List<Integer>, List<NetRow>> group :
                    byKnown(binding.splitting()).entrySet()) {
                if (!group.getKey().isEmpty()) {
                    BitSet found = writer.changing(statements, group.getValue(), group.getKey());
                    found.stream().mapToObj(group.getValue()::get).forEach(changing::add);
                }
            }
        }
        updates.removeAll(changing);
        splits.addAll(changing);
        if (!splits.isEmpty() && binding.splitActs(replicaRole)) {
            throw surprise(
                    binding.table(), "an update changes a key, and foreign keys that act are live in the session");
        }
    }

    /** Deletes deleted rows and the old rows of split updates. */
    void deleteOld(Statements statements) throws SQLException, BatchConflictException {
        if (!deletes.isEmpty()) {
            Sql statement = deletion == null ? writer.deletion(deletes) : deletion;
            expect("DELETE", statements.update(statement), deletes.size());
        }
        if (!splits.isEmpty()) {
            completed = writer.deleteReturning(statements, splits);
            expect("DELETE", completed.size(), splits.size());
        }
    }

    void update(Statements statements) throws SQLException, BatchConflictException {
        for (Update update : updating == null ? updates() : updating) {
            long found = update.asks
                    ? Long.parseLong(statements.rows(update.statement).get(0)[0])
                    : statements.update(update.statement);
            expect("UPDATE", found, update.rows);
        }
    }

    private List<Update> updates() {
        List<Update> made = new ArrayList<>();
        byKnown(binding.settable()).forEach((columns, rows) -> {
            boolean asks = columns.isEmpty();
            made.add(new Update(asks ? writer.presence(rows) : writer.update(rows, columns), asks, rows.size()));
        });
        return made;
    }

    /** Inserts new rows and the new rows of split updates. */
    void insertNew(Statements statements) throws SQLException, BatchConflictException {
        if (!inserts.isEmpty()) {
            Insertion rows = insertion == null ? insertion() : insertion;
            expectInserted(rows.run(statements), inserts.size());
        }
        if (!completed.isEmpty()) {
            expectInserted(writer.completedInsertion(completed).run(statements), completed.size());
        }
    }

    private Insertion insertion() {
        return writer.insertion(inserts.stream().map(NetRow::values).toList());
    }

    /** Notes the rows for the check of deferrable constraints. */
    void touched(DuplicateCheck check) {
        inserts.forEach(row -> check.touched(binding, row.values()));
        splits.forEach(row -> check.touched(binding, row.values()));
    }

    long deleted() {
        return deletes.size();
    }

    long updated() {
        return (long) updates.size() + splits.size();
    }

    long inserted() {
        return inserts.size();
    }

    private Map<List<Integer>, List<NetRow>> byKnown(int[] columns) {
        Map<BitSet, List<NetRow>> groups = new LinkedHashMap<>();
        BitSet last = null;
        List<NetRow> group = null;
        for (NetRow row : updates) {
            // Nearly all rows of a batch know the same columns.
            if (last == null || !knows(row, columns, last)) {
                last = known(row, columns);
                group = groups.computeIfAbsent(last, set -> new ArrayList<>());
            }
            group.add(row);
        }
        Map<List<Integer>, List<NetRow>> byColumns = new LinkedHashMap<>();
        groups.forEach((known, rows) -> byColumns.put(known.stream().boxed().collect(Collectors.toList()), rows));
        return byColumns;
    }

    private static BitSet known(NetRow row, int[] columns) {
        BitSet known = new BitSet();
        for (int column : columns) {
            if (SetWriter.known(row, column)) {
                known.set(column);
            }
        }
        return known;
    }

    private static boolean knows(NetRow row, int[] columns, BitSet exactly) {
        for (int column : columns) {
            if (SetWriter.known(row, column) != exactly.get(column)) {
                return false;
            }
        }
        return true;
    }

    private void expectInserted(long rows, int expected) throws BatchConflictException {
        // A row trigger of the target that fires under replica role may suppress rows by design.
        if (!binding.target().rowTriggers()) {
            expect("INSERT", rows, expected);
        }
    }

    private void expect(String statement, long rows, int expected) throws BatchConflictException {
        expect(binding.table(), statement, rows, expected);
    }

    /** @throws BatchConflictException when a statement found another number of rows than it must */
    static void expect(TableName table, String statement, long rows, long expected) throws BatchConflictException {
        if (rows != expected) {
            throw surprise(table, statement + " touched " + rows + " rows where " + expected + " were expected");
        }
    }

    private static BatchConflictException surprise(TableName table, String what) {
        return new BatchConflictException(Set.of(table), "Batch on table " + table + ": " + what, null);
    }
}
