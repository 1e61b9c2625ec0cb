package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;
import dev.replicator.slave.postgres.Piece.Collected;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The statements of a piece when none of them depends on another's answer: they go to the server together, so that a small
 * batch waits for one answer.
 */
final class Plan {
    private final List<Step> steps = new ArrayList<>();

    /**
     * A statement.
     *
     * @param kind for messages
     * @param rows how many it has to find; negative when it may be any number
     */
    private record Step(Sql statement, TableName table, String kind, long rows) {}

    private Plan() {}

    /**
     * Plans a piece, in the order of {@link BatchApplier}.
     *
     * @param netted the netted tables among them, parents first
     * @return null when something has to be asked on the way, or rows go by COPY
     */
    static Plan of(List<NetTable> netted, Collection<Collected> tables) {
        boolean ready = netted.stream().allMatch(NetTable::isReady)
                && tables.stream().filter(table -> !table.isNetted()).allMatch(Plan::isReady);
        if (!ready) {
            return null;
        }
        Plan plan = new Plan();
        for (int i = netted.size() - 1; i >= 0; i--) {
            netted.get(i).planDeletes(plan);
        }
        netted.forEach(table -> table.planUpdates(plan));
        netted.forEach(table -> table.planInserts(plan));
        for (Collected table : tables) {
            if (table.inserts() != null) {
                plan.addInsert(
                        table.inserts().statement(),
                        table.binding(),
                        table.ordered().size());
            }
        }
        return plan;
    }

    private static boolean isReady(Collected table) {
        return table.inserts() == null
                ? table.ordered().isEmpty()
                : table.inserts().statement() != null;
    }

    void add(Sql statement, TableBinding binding, String kind, long rows) {
        steps.add(new Step(statement, binding.table(), kind, rows));
    }

    /** A row trigger of the target that fires under replica role may suppress rows by design. */
    void addInsert(Sql statement, TableBinding binding, long rows) {
        add(statement, binding, "INSERT", binding.target().rowTriggers() ? -1 : rows);
    }

    Set<TableName> tables() {
        Set<TableName> tables = new HashSet<>();
        steps.forEach(step -> tables.add(step.table));
        return tables;
    }

    /** @throws BatchConflictException when a statement found another number of rows than it must */
    void run(Statements statements) throws SQLException, BatchConflictException {
        long[] found = statements.counts(steps.stream().map(Step::statement).toList());
        for (int i = 0; i < found.length; i++) {
            Step step = steps.get(i);
            if (step.rows >= 0) {
                NetTable.expect(step.table, step.kind, found[i], step.rows);
            }
        }
    }
}
