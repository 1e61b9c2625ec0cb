package dev.replicator.slave.lane;

import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.slave.postgres.ApplyOptions;
import dev.replicator.slave.postgres.PreparedRows;
import dev.replicator.slave.postgres.TableBinding;
import dev.replicator.slave.postgres.TableException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What could be done for a batch, or a piece of one, before it is written: its rows, netted and encoded by bindings of an
 * earlier moment. The transaction confirms the bindings when it has locked the tables (rule R04), or writes the batch in the
 * usual way.
 */
final class PreparedBatch {
    private final PreparedRows rows;
    private final MetTables met = new MetTables();
    /** The bindings, each with the first run that it was used for. */
    private final Map<TableBinding, ChangeRun> uses = new HashMap<>();

    private PreparedBatch(PreparedRows rows) {
        this.rows = rows;
    }

    /**
     * Prepares a batch or a piece of one, on any thread.
     *
     * @return null when it has something that only its transaction can do
     */
    static PreparedBatch of(Batch batch, Bindings.Known known, ApplyOptions options, boolean replicaRole) {
        if (batch.event() != null) {
            return null;
        }
        PreparedBatch prepared = new PreparedBatch(new PreparedRows(options, replicaRole));
        try {
            for (ChangeRun run : batch.runs()) {
                if (!prepared.add(run, known)) {
                    return null;
                }
            }
        } catch (UncheckedIOException e) {
            return null; // found again within the transaction, where it is told
        }
        prepared.rows.encode();
        return prepared;
    }

    private boolean add(ChangeRun run, Bindings.Known known) {
        if (run.replica().mirrored() || run.replica().skipSeq() == run.seq()) {
            return false;
        }
        TableBinding binding = bindingOf(run, known);
        if (binding == null) {
            return false;
        }
        for (RowChange change : run.changes()) {
            if (!rows.add(binding, change)) {
                return false;
            }
        }
        return true;
    }

    private TableBinding bindingOf(ChangeRun run, Bindings.Known known) {
        TableBinding binding = met.of(run);
        if (binding == null) {
            binding = known.of(run);
            if (binding != null) {
                met.add(run, binding);
                uses.putIfAbsent(binding, run);
            }
        }
        return binding;
    }

    /** Relations it writes. */
    Set<TableName> relations() {
        return uses.values().stream().map(run -> run.replica().relation()).collect(Collectors.toSet());
    }

    /** Whether all bindings are still the ones it was made by. */
    boolean isConfirmed(Bindings bindings) throws SQLException, TableException {
        for (Map.Entry<TableBinding, ChangeRun> use : uses.entrySet()) {
            if (bindings.of(use.getValue()) != use.getKey()) {
                return false;
            }
        }
        return true;
    }

    PreparedRows rows() {
        return rows;
    }
}
