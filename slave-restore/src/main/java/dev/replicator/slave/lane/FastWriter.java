package dev.replicator.slave.lane;

import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.slave.netting.FallbackMemory;
import dev.replicator.slave.postgres.ApplyOptions;
import dev.replicator.slave.postgres.BatchApplier;
import dev.replicator.slave.postgres.BatchConflictException;
import dev.replicator.slave.postgres.TableBinding;
import dev.replicator.slave.postgres.TableException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The usual way: a whole batch netted and written by set-based statements. */
final class FastWriter implements ChangeWriter {
    /** Beyond so many tables a hash map is faster than a list. */
    private static final int MOST_MET = 12;

    private final BatchApplier applier;
    private final Bindings bindings;
    private final FallbackMemory memory;
    private final Set<TableName> touched = new HashSet<>();
    private final List<Met> met = new ArrayList<>();

    FastWriter(Connection connection, Bindings bindings, FallbackMemory memory) throws SQLException {
        this.applier = new BatchApplier(connection, ApplyOptions.defaults(), memory);
        this.bindings = bindings;
        this.memory = memory;
    }

    @Override
    public void begin() {
        touched.clear();
        met.clear();
        bindings.begin();
    }

    @Override
    public void expect(Collection<TableName> relations) throws SQLException, TableException {
        bindings.lock(relations);
    }

    @Override
    public void write(ChangeRun run) throws SQLException, TableException, BatchConflictException {
        TableBinding binding = bindingOf(run);
        for (RowChange change : run.changes()) {
            applier.add(binding, change);
        }
    }

    /** A batch has thousands of runs of a few tables: the same objects are met again and again. */
    private TableBinding bindingOf(ChangeRun run) throws SQLException, TableException {
        for (Met table : met) {
            if (table.replica == run.replica() && table.schema == run.schema()) {
                return table.binding;
            }
        }
        TableBinding binding = bindings.of(run);
        touched.add(binding.table());
        if (met.size() < MOST_MET) {
            met.add(new Met(run.replica(), run.schema(), binding));
        }
        return binding;
    }

    private record Met(Replica replica, TableSchema schema, TableBinding binding) {}

    @Override
    public void finish() throws SQLException, BatchConflictException {
        applier.finish();
    }

    @Override
    public void committed() {
        memory.batchCommitted(touched);
    }

    @Override
    public void rolledBack() throws SQLException {
        applier.reset();
    }

    @Override
    public void close() throws SQLException {
        applier.close();
    }
}
