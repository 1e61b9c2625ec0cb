package dev.replicator.slave.postgres;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Careful mode: applies one change at a time, in master order, inside the caller's transaction. Only what fails here is
 * an error (rule R18, R23). Not thread-safe.
 *
 * <p>Use: {@link #begin}, {@link #apply} every change, {@link #finish}, commit. Under skip and overwrite each change has a
 * savepoint of its own, so the transaction goes on after a conflict; under stop and stop-slave a conflict leaves it to be
 * rolled back.
 */
public final class RowApplier implements AutoCloseable {
    private static final String UNIQUE_VIOLATION = "23505";

    private final Statements statements;
    private final OneByOne oneByOne;
    private final DuplicateCheck duplicates;
    private final Truncation truncation;
    private final boolean replicaRole;
    private final Map<TableName, TargetTable> written = new LinkedHashMap<>();

    /** @param connection a session of {@link TargetSession}, with auto-commit off */
    public RowApplier(Connection connection) throws SQLException {
        this.statements = new Statements(connection);
        this.replicaRole = TargetSession.isReplica(connection);
        this.oneByOne = new OneByOne(statements, replicaRole);
        this.duplicates = new DuplicateCheck(statements);
        this.truncation = new Truncation(statements, replicaRole);
    }

    /** Begins a transaction's worth of changes: deferrable constraints wait until {@link #finish} (rule R18). */
    public void begin() throws SQLException {
        duplicates.reset();
        truncation.reset();
        written.clear();
        statements.execute("SET CONSTRAINTS ALL DEFERRED");
    }

    /**
     * Applies one change.
     *
     * @return what became of it; a conflict under overwrite is one that overwriting cannot solve
     * @throws SQLException weather or a lost connection: roll back and repeat
     * @throws TableException the table has to be mended: roll back and park it
     */
    public RowOutcome apply(TableBinding binding, RowChange change, ConflictPolicy policy)
            throws SQLException, TableException {
        written.put(binding.table(), binding.target());
        if (change.kind() == ChangeKind.TRUNCATE) {
            truncation.add(binding.target());
            return RowOutcome.APPLIED;
        }
        Optional<Conflict> conflict = truncate();
        if (conflict.isPresent()) {
            return new RowOutcome(RowOutcome.Kind.CONFLICT, conflict.get());
        }
        boolean goesOn = policy == ConflictPolicy.SKIP || policy == ConflictPolicy.OVERWRITE;
        if (goesOn) {
            statements.execute("SAVEPOINT replicator_row");
        }
        RowOutcome outcome = attempt(binding, change, goesOn);
        if (outcome.kind() == RowOutcome.Kind.CONFLICT && policy == ConflictPolicy.OVERWRITE) {
            outcome = overwrite(binding, change, outcome);
        }
        if (outcome.conflict() != null && policy == ConflictPolicy.SKIP) {
            outcome = new RowOutcome(RowOutcome.Kind.SKIPPED, outcome.conflict());
        }
        if (goesOn) {
            statements.execute("RELEASE SAVEPOINT replicator_row");
        }
        if (outcome.kind() == RowOutcome.Kind.APPLIED && replicaRole && change.kind() != ChangeKind.DELETE) {
            duplicates.touched(binding, OneByOne.newRow(change));
        }
        return outcome;
    }

    /**
     * Checks everything deferred; commit may follow when there is no conflict.
     *
     * @return a conflict of the transaction as a whole: no single change can be skipped for it
     */
    public Optional<Conflict> finish() throws SQLException, TableException {
        Optional<Conflict> conflict = truncate();
        if (conflict.isPresent()) {
            return conflict;
        }
        Set<TableName> colliding = duplicates.finish();
        if (!colliding.isEmpty()) {
            TableName table = colliding.iterator().next();
            return Optional.of(new Conflict(
                    table,
                    Conflict.Kind.UNIQUE,
                    "At the end of the transaction rows of " + table
                            + " violate a deferrable unique or exclusion constraint",
                    "",
                    ""));
        }
        try {
            statements.execute("SET CONSTRAINTS ALL IMMEDIATE");
            return Optional.empty();
        } catch (SQLException e) {
            TableName table = responsible(e);
            if (SqlFailures.classify(e) != SqlFailures.Kind.CONFLICT || table == null) {
                throw e;
            }
            return Optional.of(
                    new Conflict(table, kind(e), "At the end of the transaction: " + SqlFailures.describe(e), "", ""));
        }
    }

    /** Drops prepared statements; the connection stays open. */
    @Override
    public void close() throws SQLException {
        statements.close();
    }

    private Optional<Conflict> truncate() throws SQLException, TableException {
        if (!truncation.isPending()) {
            return Optional.empty();
        }
        try {
            truncation.run();
            return Optional.empty();
        } catch (SQLException e) {
            TableName table = responsible(e);
            switch (SqlFailures.classify(e)) {
                case CONFLICT:
                    return Optional.of(new Conflict(table, kind(e), "TRUNCATE: " + SqlFailures.describe(e), "", ""));
                case TABLE_ERROR:
                    throw tableError(table, "TRUNCATE", e);
                default:
                    throw e;
            }
        }
    }

    /**
     * The written table a failure belongs to: the one the server names, else, where that one was not written (the child of
     * a deleted parent), the one it references, else any written one.
     */
    private TableName responsible(SQLException failure) {
        TableName named = SqlFailures.table(failure).orElse(null);
        if (named != null && written.containsKey(named)) {
            return named;
        }
        return written.values().stream()
                .filter(table -> table.referencedBy().stream()
                        .anyMatch(key -> key.child().equals(named)))
                .map(TargetTable::name)
                .findFirst()
                .orElse(written.keySet().stream().findFirst().orElse(null));
    }

    private RowOutcome attempt(TableBinding binding, RowChange change, boolean savepoint)
            throws SQLException, TableException {
        int found;
        try {
            found = switch (change.kind()) {
                case INSERT -> inserted(binding, oneByOne.insert(binding, change.after()));
                case UPDATE -> oneByOne.update(binding, change);
                default -> oneByOne.delete(binding, change);
            };
        } catch (SQLException e) {
            switch (SqlFailures.classify(e)) {
                case CONFLICT:
                    if (savepoint) {
                        statements.execute("ROLLBACK TO SAVEPOINT replicator_row");
                    }
                    return conflict(binding, change, kind(e), SqlFailures.describe(e));
                case TABLE_ERROR:
                    throw tableError(binding.table(), change.kind().name(), e);
                default:
                    throw e;
            }
        }
        if (found == 1) {
            return RowOutcome.APPLIED;
        }
        if (savepoint) {
            statements.execute("ROLLBACK TO SAVEPOINT replicator_row");
        }
        return conflict(
                binding,
                change,
                found == 0 ? Conflict.Kind.MISSING_ROW : Conflict.Kind.SEVERAL_ROWS,
                found + " rows found where 1 was expected");
    }

    /** A row trigger of the target that fires under replica role may suppress an insert by design. */
    private static int inserted(TableBinding binding, int rows) {
        return binding.target().rowTriggers() ? 1 : rows;
    }

    private RowOutcome overwrite(TableBinding binding, RowChange change, RowOutcome failed)
            throws SQLException, TableException {
        Conflict.Kind kind = failed.conflict().kind();
        if (change.kind() == ChangeKind.DELETE) {
            return kind == Conflict.Kind.MISSING_ROW ? solved(failed) : failed;
        }
        if (change.kind() == ChangeKind.INSERT) {
            return kind == Conflict.Kind.UNIQUE ? overwriteRow(binding, change, change.after(), failed) : failed;
        }
        if (kind != Conflict.Kind.MISSING_ROW) {
            return failed;
        }
        Object[] image = OneByOne.newRow(change);
        if (!OneByOne.whole(binding, image)) {
            throw new TableException(
                    binding.table(),
                    "The row of an UPDATE of " + binding.table()
                            + " is missing on the slave, and the master did not send"
                            + " all of its values, so it cannot be inserted",
                    "Run resync for the table.");
        }
        RowChange insert = new RowChange(ChangeKind.INSERT, null, image);
        RowOutcome outcome = attempt(binding, insert, true);
        boolean exists = outcome.conflict() != null && outcome.conflict().kind() == Conflict.Kind.UNIQUE;
        return exists
                ? overwriteRow(binding, change, image, failed)
                : outcome == RowOutcome.APPLIED ? solved(failed) : failed;
    }

    /** Gives the row that stands under this primary key the master's values; any other collision stays a conflict. */
    private RowOutcome overwriteRow(TableBinding binding, RowChange change, Object[] image, RowOutcome failed)
            throws SQLException, TableException {
        int found;
        try {
            found = oneByOne.overwrite(binding, image);
        } catch (SQLException e) {
            switch (SqlFailures.classify(e)) {
                case CONFLICT:
                    statements.execute("ROLLBACK TO SAVEPOINT replicator_row");
                    return conflict(binding, change, kind(e), SqlFailures.describe(e));
                case TABLE_ERROR:
                    throw tableError(binding.table(), change.kind().name(), e);
                default:
                    throw e;
            }
        }
        if (found == 1) {
            return solved(failed);
        }
        statements.execute("ROLLBACK TO SAVEPOINT replicator_row");
        return failed;
    }

    private static RowOutcome solved(RowOutcome failed) {
        return new RowOutcome(RowOutcome.Kind.APPLIED, failed.conflict());
    }

    private static RowOutcome conflict(TableBinding binding, RowChange change, Conflict.Kind kind, String what) {
        return new RowOutcome(
                RowOutcome.Kind.CONFLICT,
                new Conflict(
                        binding.table(),
                        kind,
                        change.kind() + " on " + binding.table() + ": " + what,
                        RowImages.key(binding, change),
                        RowImages.json(binding, change)));
    }

    private static Conflict.Kind kind(SQLException e) {
        return UNIQUE_VIOLATION.equals(e.getSQLState()) ? Conflict.Kind.UNIQUE : Conflict.Kind.CONSTRAINT;
    }

    private static TableException tableError(TableName table, String statement, SQLException e) {
        boolean rights = "42501".equals(e.getSQLState());
        return new TableException(
                table,
                statement + " on " + table + " failed: " + SqlFailures.describe(e),
                rights
                        ? "Grant the slave's role the right on " + table.quoted() + ", then resume."
                        : "Mend the table on the slave, then resume; or run resync for it.",
                e);
    }
}
