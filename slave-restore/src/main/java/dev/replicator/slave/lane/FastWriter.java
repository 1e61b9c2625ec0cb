package dev.replicator.slave.lane;

import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.slave.netting.FallbackMemory;
import dev.replicator.slave.postgres.ApplyOptions;
import dev.replicator.slave.postgres.BatchApplier;
import dev.replicator.slave.postgres.BatchConflictException;
import dev.replicator.slave.postgres.TableBinding;
import dev.replicator.slave.postgres.TableException;
import dev.replicator.slave.state.Following;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/** The usual way: a whole batch netted and written by set-based statements. */
final class FastWriter implements ChangeWriter {
    private final BatchApplier applier;
    private final Bindings bindings;
    private final FallbackMemory memory;
    private final Set<TableName> touched = new HashSet<>();
    private final MetTables met = new MetTables();

    FastWriter(Connection connection, Bindings bindings, FallbackMemory memory) throws SQLException {
        this.applier = new BatchApplier(connection, ApplyOptions.defaults(), memory);
        this.bindings = bindings;
        this.memory = memory;
    }

    @Override
    public Following opening(Collection<TableName> relations) throws SQLException {
        bindings.begin();
        return relations.isEmpty() ? Following.NOTHING : bindings.opening(relations);
    }

    @Override
    public void begin() {
        touched.clear();
        met.clear();
    }

    @Override
    public void write(ChangeRun run) throws SQLException, TableException, BatchConflictException {
        TableBinding binding = bindingOf(run);
        for (RowChange change : run.changes()) {
            applier.add(binding, change);
        }
    }

    private TableBinding bindingOf(ChangeRun run) throws SQLException, TableException {
        TableBinding binding = met.of(run);
        if (binding == null) {
            binding = bindings.of(run);
            touched.add(binding.table());
            met.add(run, binding);
        }
        return binding;
    }

    @Override
    public Preparation preparation() {
        if (!memory.isEmpty()) {
            return null;
        }
        Bindings.Known known = bindings.known();
        boolean replicaRole = applier.isReplicaRole();
        return batch -> PreparedBatch.of(batch, known, ApplyOptions.defaults(), replicaRole);
    }

    @Override
    public boolean adopt(PreparedBatch prepared) throws SQLException, TableException, BatchConflictException {
        if (!prepared.isConfirmed(bindings)) {
            return false;
        }
        touched.addAll(prepared.relations());
        applier.adopt(prepared.rows());
        return true;
    }

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
