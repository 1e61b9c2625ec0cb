package dev.replicator.slave.lane;

import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.slave.postgres.Conflict;
import dev.replicator.slave.postgres.ConflictPolicy;
import dev.replicator.slave.postgres.RowApplier;
import dev.replicator.slave.postgres.RowOutcome;
import dev.replicator.slave.postgres.SqlFailures;
import dev.replicator.slave.postgres.TableBinding;
import dev.replicator.slave.postgres.TableException;
import dev.replicator.slave.state.Journal;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;

/** After a conflict: one master transaction, row by row in master order. Only what fails here is an error (rule R23). */
final class CarefulWriter implements ChangeWriter {
    private final Connection connection;
    private final Bindings bindings;
    private final ConflictPolicy policy;
    private final RowApplier applier;
    private final Map<TableName, ChangeRun> written = new HashMap<>();

    CarefulWriter(Connection connection, Bindings bindings, ConflictPolicy policy) throws SQLException {
        this.connection = connection;
        this.bindings = bindings;
        this.policy = policy;
        this.applier = new RowApplier(connection);
    }

    @Override
    public void begin() throws SQLException {
        written.clear();
        bindings.begin();
        applier.begin();
    }

    @Override
    public void write(ChangeRun run) throws SQLException, ParkException {
        written.put(run.replica().relation(), run);
        try {
            TableBinding binding = bindings.of(run);
            for (RowChange change : run.changes()) {
                settle(run, applier.apply(binding, change, policy));
            }
        } catch (TableException e) {
            throw new ParkException(run.replica(), run.seq(), e.reason(), e.hint(), null, e);
        } catch (SQLException e) {
            throw parkable(run, e);
        }
    }

    @Override
    public void finish() throws SQLException, TableException, ParkException {
        for (RowOutcome outcome : applier.finish()) {
            ChangeRun run = written.get(outcome.conflict().table());
            if (run == null) {
                throw new IllegalStateException(
                        "a conflict of " + outcome.conflict().table() + ", which was not written");
            }
            settle(run, outcome);
        }
    }

    private void settle(ChangeRun run, RowOutcome outcome) throws SQLException, ParkException {
        Conflict conflict = outcome.conflict();
        if (outcome.kind() == RowOutcome.Kind.CONFLICT) {
            throw conflict(run, conflict);
        }
        if (conflict != null) {
            String resolution = outcome.kind() == RowOutcome.Kind.SKIPPED ? "skipped" : "overwritten";
            Journal.conflict(
                    connection,
                    run.seq(),
                    run.replica().table(),
                    conflict.kind().name(),
                    conflict.detail(),
                    resolution,
                    conflict.rowImage());
        }
    }

    private static ParkException conflict(ChangeRun run, Conflict conflict) {
        return new ParkException(
                run.replica(),
                run.seq(),
                conflict.detail(),
                "mend the row here and `resume`, or `skip --seq " + run.seq() + "`, or `resync` the table"
                        + (conflict.advice().isEmpty() ? "" : "; " + conflict.advice()),
                conflict,
                null);
    }

    /** What is neither weather nor a lost session is this table's own trouble. */
    private static ParkException parkable(ChangeRun run, SQLException failure) throws SQLException {
        SqlFailures.Kind kind = SqlFailures.classify(failure);
        if (kind == SqlFailures.Kind.WEATHER || kind == SqlFailures.Kind.CONNECTION) {
            throw failure;
        }
        return new ParkException(
                run.replica(),
                run.seq(),
                "writing to " + run.replica().relation() + " failed with SQLSTATE " + failure.getSQLState(),
                "see the server's log, mend the table and `resume`, or `resync` it",
                null,
                failure);
    }

    @Override
    public void committed() {
        written.clear();
    }

    @Override
    public void rolledBack() {
        written.clear();
    }

    @Override
    public void close() throws SQLException {
        applier.close();
    }
}
