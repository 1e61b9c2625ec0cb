package dev.replicator.slave.postgres;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Careful mode: applies one change at a time, in master order, inside the caller's transaction. Only what fails here is
 * an error (rule R18, R23). Not thread-safe.
 *
 * <p>Use: {@link #begin}, {@link #apply} every change, {@link #finish}, commit. Under skip and overwrite each change has a
 * savepoint of its own, so the transaction goes on after a conflict; under stop and stop-slave a conflict leaves it to be
 * rolled back. An insert or delete that a live foreign key refuses waits for what comes later in the transaction (rule R19).
 */
public final class RowApplier implements AutoCloseable {
    private static final String UNIQUE_VIOLATION = "23505";

    private final Statements statements;
    private final OneByOne oneByOne;
    private final DuplicateCheck duplicates;
    private final Truncation truncation;
    private final boolean replicaRole;
    private final Map<TableName, TargetTable> written = new LinkedHashMap<>();
    private final Postponed postponed = new Postponed();

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
        postponed.clear();
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
            postponed.forget(binding.table());
            truncation.add(binding.target());
            return RowOutcome.APPLIED;
        }
        Optional<Conflict> conflict = truncate();
        if (conflict.isPresent()) {
            return new RowOutcome(RowOutcome.Kind.CONFLICT, conflict.get());
        }
        boolean mayWait = !postponed.isFull() && Postponed.mayWait(binding, change, replicaRole);
        boolean savepoint = goesOn(policy) || mayWait || !postponed.isEmpty();
        if (savepoint) {
            statements.execute("SAVEPOINT replicator_row");
        }
        RowOutcome outcome = settle(binding, change, policy, mayWait, savepoint);
        if (savepoint) {
            statements.execute("RELEASE SAVEPOINT replicator_row");
        }
        return outcome;
    }

    private RowOutcome settle(
            TableBinding binding, RowChange change, ConflictPolicy policy, boolean mayWait, boolean savepoint)
            throws SQLException, TableException {
        RowOutcome outcome = attempt(binding, change, savepoint);
        if (mayWait && refusedByForeignKey(outcome)) {
            postponed.add(binding, change, policy, outcome);
            return RowOutcome.APPLIED;
        }
        if (outcome.kind() == RowOutcome.Kind.CONFLICT && retryPostponed()) {
            outcome = attempt(binding, change, savepoint);
        }
        if (outcome.kind() == RowOutcome.Kind.CONFLICT && policy == ConflictPolicy.OVERWRITE) {
            outcome = overwrite(binding, change, outcome);
        }
        return underPolicy(applied(binding, change, outcome), policy);
    }

    private static boolean goesOn(ConflictPolicy policy) {
        return policy == ConflictPolicy.SKIP || policy == ConflictPolicy.OVERWRITE;
    }

    private static boolean refusedByForeignKey(RowOutcome outcome) {
        return outcome.kind() == RowOutcome.Kind.CONFLICT && outcome.conflict().kind() == Conflict.Kind.FOREIGN_KEY;
    }

    private static RowOutcome underPolicy(RowOutcome outcome, ConflictPolicy policy) {
        return outcome.kind() == RowOutcome.Kind.CONFLICT && policy == ConflictPolicy.SKIP
                ? new RowOutcome(RowOutcome.Kind.SKIPPED, outcome.conflict())
                : outcome;
    }

    private RowOutcome applied(TableBinding binding, RowChange change, RowOutcome outcome) {
        if (outcome.kind() == RowOutcome.Kind.APPLIED && replicaRole && change.kind() != ChangeKind.DELETE) {
            duplicates.touched(binding, OneByOne.newRow(change));
        }
        return outcome;
    }

    /** Tries again what a foreign key refused, as long as anything of it goes in; true when anything did. */
    private boolean retryPostponed() throws SQLException, TableException {
        boolean any = false;
        for (boolean progress = true; progress && !postponed.isEmpty(); any |= progress) {
            progress = false;
            for (Postponed.Entry entry : postponed.lastFirst()) {
                statements.execute("SAVEPOINT replicator_row");
                RowOutcome outcome = attempt(entry.binding(), entry.change(), true);
                statements.execute("RELEASE SAVEPOINT replicator_row");
                if (outcome.kind() == RowOutcome.Kind.APPLIED) {
                    applied(entry.binding(), entry.change(), outcome);
                    postponed.remove(entry);
                    progress = true;
                }
            }
        }
        return any;
    }

    /**
     * Checks everything deferred; commit may follow when there is no conflict.
     *
     * @return what could only be decided now: changes skipped by policy, and last a conflict that ends the transaction
     */
    public List<RowOutcome> finish() throws SQLException, TableException {
        Optional<Conflict> conflict = truncate();
        if (conflict.isPresent()) {
            return List.of(new RowOutcome(RowOutcome.Kind.CONFLICT, conflict.get()));
        }
        retryPostponed();
        List<RowOutcome> refused = postponed.refusals().stream()
                .map(entry -> underPolicy(entry.refusal(), entry.policy()))
                .toList();
        if (refused.stream().anyMatch(outcome -> outcome.kind() == RowOutcome.Kind.CONFLICT)) {
            return refused.stream()
                    .filter(outcome -> outcome.kind() == RowOutcome.Kind.CONFLICT)
                    .limit(1)
                    .toList();
        }
        Optional<Conflict> late = late();
        return late.isEmpty() ? refused : List.of(new RowOutcome(RowOutcome.Kind.CONFLICT, late.get()));
    }

    /** A conflict of the transaction as a whole: no single change can be skipped for it. */
    private Optional<Conflict> late() throws SQLException {
        Set<TableName> colliding = duplicates.finish();
        if (!colliding.isEmpty()) {
            TableName table = colliding.iterator().next();
            return Optional.of(new Conflict(
                    table,
                    Conflict.Kind.UNIQUE,
                    "At the end of the transaction rows of " + table
                            + " violate a deferrable unique or exclusion constraint",
                    "",
                    null,
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
            return Optional.of(new Conflict(
                    table, kind(e), "At the end of the transaction: " + SqlFailures.describe(e), "", null, ""));
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
                    return Optional.of(
                            new Conflict(table, kind(e), "TRUNCATE: " + SqlFailures.describe(e), "", null, ""));
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
                    return conflict(binding, change, e);
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
                found + " rows found where 1 was expected",
                "");
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
                    return conflict(binding, change, e);
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

    private static RowOutcome conflict(TableBinding binding, RowChange change, SQLException e) {
        String defer = SqlFailures.deferForeignKey(e);
        String advice = defer.isEmpty()
                ? ""
                : "if the master wrote these rows in another order than this foreign key allows here: " + defer;
        return conflict(binding, change, kind(e), SqlFailures.describe(e), advice);
    }

    private static RowOutcome conflict(
            TableBinding binding, RowChange change, Conflict.Kind kind, String what, String advice) {
        return new RowOutcome(
                RowOutcome.Kind.CONFLICT,
                new Conflict(
                        binding.table(),
                        kind,
                        change.kind() + " on " + binding.table() + ": " + what,
                        RowImages.key(binding, change),
                        RowImages.json(binding, change),
                        advice));
    }

    private static Conflict.Kind kind(SQLException e) {
        if (SqlFailures.isForeignKey(e)) {
            return Conflict.Kind.FOREIGN_KEY;
        }
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
