package dev.replicator.slave.postgres;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.slave.netting.FallbackMemory;
import dev.replicator.slave.postgres.Piece.Collected;
import dev.replicator.slave.postgres.Piece.Single;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The fast path: collects a batch's changes, nets them by key and writes them with set-based statements inside the
 * caller's transaction. Not thread-safe.
 *
 * <p>Use: {@link #add} every change of the batch in master order, {@link #finish}, then only commit. After any exception
 * roll back and call {@link #reset}. The same change may be added under two bindings (table and shadow); images are
 * never written to.
 *
 * <p>Order inside a piece (design section 7): deletes and old rows of split updates, children first; updates in place;
 * inserts, parents first; then tables without a key, each in its own order; then, in master order, the tables that lately
 * made a batch fall back.
 */
public final class BatchApplier implements AutoCloseable {
    private final Statements statements;
    private final ApplyOptions options;
    private final FallbackMemory memory;
    private final boolean replicaRole;
    private final OneByOne oneByOne;
    private final DuplicateCheck duplicates;
    private final Truncation truncation;
    private final Set<TableName> touched = new HashSet<>();
    private Piece piece;
    private boolean deferred;
    private boolean lateChecks;
    private long changes;
    private long inserted;
    private long updated;
    private long deleted;
    private long truncated;
    private long pieces;

    /**
     * @param connection a session of {@link TargetSession}, with auto-commit off
     * @param memory tables to be applied one by one; the caller tells it about commits and fall-backs
     */
    public BatchApplier(Connection connection, ApplyOptions options, FallbackMemory memory) throws SQLException {
        this.statements = new Statements(connection);
        this.options = options;
        this.memory = memory;
        this.replicaRole = TargetSession.isReplica(connection);
        this.oneByOne = new OneByOne(statements, replicaRole);
        this.duplicates = new DuplicateCheck(statements);
        this.truncation = new Truncation(statements, replicaRole);
        this.piece = emptyPiece();
    }

    private Piece emptyPiece() {
        return new Piece(memory, options, replicaRole);
    }

    /** Whether the session is one of {@link TargetSession#isReplica}. */
    public boolean isReplicaRole() {
        return replicaRole;
    }

    /**
     * Collects a change; writes a piece when the memory bound is reached or nothing more can be netted.
     *
     * @throws SQLException weather or a lost connection
     * @throws BatchConflictException the batch must be replayed carefully
     */
    public void add(TableBinding binding, RowChange change) throws SQLException, BatchConflictException {
        changes++;
        if (change.kind() == ChangeKind.TRUNCATE) {
            touched.add(binding.table());
            lateChecks = true;
            writeRows();
            truncation.add(binding.target());
            truncated++;
            return;
        }
        if (truncation.isPending()) {
            truncate();
        }
        if (!piece.add(binding, change)) {
            writeRows();
            piece.add(binding, change);
        }
        if (piece.isFull()) {
            flush();
        }
    }

    /** Writes changes that were prepared by the same bindings, behind all that was added. */
    public void adopt(PreparedRows rows) throws SQLException, BatchConflictException {
        flush();
        piece = rows.piece();
        changes += piece.changes();
        writeRows();
    }

    /** Whether something of a table, a trigger of the operator's included, may wait for the end of the transaction. */
    private static boolean mayCheckLate(TargetTable target) {
        return target.rowTriggers()
                || !target.originTriggers().isEmpty()
                || target.keys().stream().anyMatch(TargetKey::deferrable)
                || target.references().stream().anyMatch(TargetForeignKey::deferrable)
                || target.referencedBy().stream().anyMatch(TargetForeignKey::deferrable);
    }

    /** Writes what is collected. */
    public void flush() throws SQLException, BatchConflictException {
        truncate();
        writeRows();
    }

    /** Writes what is left and checks every deferred constraint (rule R18): commit may follow. */
    public void finish() throws SQLException, BatchConflictException {
        flush();
        guard(touched, () -> {
            Set<TableName> colliding = duplicates.finish();
            if (!colliding.isEmpty()) {
                throw new BatchConflictException(
                        colliding,
                        "Rows of " + colliding + " violate a deferrable unique or exclusion constraint",
                        null);
            }
            if (lateChecks) {
                statements.execute("SET CONSTRAINTS ALL IMMEDIATE");
            }
        });
        touched.clear();
        deferred = false;
        lateChecks = false;
    }

    /** Forgets what is collected and every prepared statement, after a rollback. */
    public void reset() throws SQLException {
        piece = emptyPiece();
        touched.clear();
        truncation.reset();
        duplicates.reset();
        deferred = false;
        lateChecks = false;
        statements.close();
    }

    /** What was done since this applier was made, rolled back work included. */
    public ApplyStats stats() {
        return new ApplyStats(changes, inserted, updated, deleted, truncated, pieces);
    }

    @Override
    public void close() throws SQLException {
        statements.close();
    }

    private void truncate() throws SQLException, BatchConflictException {
        if (truncation.isPending()) {
            guard(truncation.tables(), truncation::run);
        }
    }

    private void writeRows() throws SQLException, BatchConflictException {
        if (piece.isEmpty()) {
            return;
        }
        pieces++;
        for (Collected table : piece.tables()) {
            touched.add(table.binding().table());
            lateChecks |= mayCheckLate(table.binding().target());
        }
        deferConstraints();
        ForeignKeyOrder order = order();
        List<NetTable> netted = new ArrayList<>();
        for (Collected table : piece.tables()) {
            if (table.isNetted()) {
                refuseCycle(order, table.binding().table());
                netted.add(table.netted());
            }
        }
        netted.sort(Comparator.comparingInt(table -> order.rank(table.binding().table())));
        Plan plan = piece.inOrder().isEmpty() ? Plan.of(netted, piece.tables()) : null;
        if (plan == null) {
            writeNetted(netted);
            writeOrdered();
        } else {
            guard(plan.tables(), () -> plan.run(statements));
            netted.forEach(this::written);
            piece.tables().forEach(table -> inserted += table.ordered().size());
        }
        guard(touched, duplicates::check);
        piece = emptyPiece();
    }

    private void writeOrdered() throws SQLException, BatchConflictException {
        for (Collected table : piece.tables()) {
            if (table.inserts() == null) {
                applyInOrder(table.ordered());
            } else {
                guard(
                        Set.of(table.binding().table()),
                        () -> written(table.ordered(), inserted(table.binding(), table.inserts(), table.ordered())));
            }
        }
        applyInOrder(piece.inOrder());
    }

    private void writeNetted(List<NetTable> netted) throws SQLException, BatchConflictException {
        for (NetTable table : netted) {
            guard(table, () -> table.prepare(statements, replicaRole));
        }
        for (int i = netted.size() - 1; i >= 0; i--) {
            NetTable table = netted.get(i);
            guard(table, () -> table.deleteOld(statements));
        }
        for (NetTable table : netted) {
            guard(table, () -> table.update(statements));
        }
        for (NetTable table : netted) {
            guard(table, () -> table.insertNew(statements));
            written(table);
        }
    }

    private void written(NetTable table) {
        if (replicaRole) {
            table.touched(duplicates);
        }
        inserted += table.inserted();
        updated += table.updated();
        deleted += table.deleted();
    }

    /** Applies changes one by one; runs of inserts into one table go together. */
    private void applyInOrder(List<Single> singles) throws SQLException, BatchConflictException {
        int next = 0;
        while (next < singles.size()) {
            Single first = singles.get(next);
            int end = next + 1;
            if (first.change().kind() == ChangeKind.INSERT) {
                while (end < singles.size() && singles.get(end).continues(first)) {
                    end++;
                }
            }
            List<Single> run = singles.subList(next, end);
            guard(Set.of(first.binding().table()), () -> apply(first, run));
            next = end;
        }
    }

    private void apply(Single first, List<Single> run) throws SQLException, BatchConflictException, TableException {
        TableBinding binding = first.binding();
        switch (first.change().kind()) {
            case INSERT -> {
                List<Object[]> images =
                        run.stream().map(single -> single.change().after()).toList();
                Insertion rows = new SetWriter(binding, options.copyRows()).insertion(images);
                written(run, inserted(binding, rows, run));
            }
            case UPDATE -> {
                long found = oneByOne.update(binding, first.change());
                updated += found;
                written(run, found);
            }
            default -> {
                long found = oneByOne.delete(binding, first.change());
                deleted += found;
                written(run, found);
            }
        }
    }

    /** Rows that a trigger of the target may have suppressed count as inserted. */
    private long inserted(TableBinding binding, Insertion rows, List<Single> run) throws SQLException {
        long found = rows.run(statements);
        inserted += found;
        return binding.target().rowTriggers() ? run.size() : found;
    }

    private void written(List<Single> run, long found) throws BatchConflictException {
        Single first = run.get(0);
        TableBinding binding = first.binding();
        ChangeKind kind = first.change().kind();
        if (found != run.size()) {
            throw new BatchConflictException(
                    Set.of(binding.table()),
                    kind + " touched " + found + " rows of " + binding.table() + " where " + run.size()
                            + " were expected",
                    null);
        }
        if (replicaRole && kind != ChangeKind.DELETE) {
            run.forEach(single -> duplicates.touched(binding, OneByOne.newRow(single.change())));
        }
    }

    private void deferConstraints() throws SQLException {
        boolean deferrable = piece.tables().stream()
                .map(table -> table.binding().target())
                .anyMatch(target -> target.keys().stream().anyMatch(TargetKey::deferrable)
                        || target.references().stream().anyMatch(key -> key.deferrable() && key.fires(replicaRole))
                        || target.referencedBy().stream().anyMatch(key -> key.deferrable() && key.fires(replicaRole)));
        if (deferrable && !deferred) {
            statements.execute("SET CONSTRAINTS ALL DEFERRED");
            deferred = true;
        }
    }

    private ForeignKeyOrder order() {
        List<TargetTable> targets =
                piece.tables().stream().map(table -> table.binding().target()).toList();
        return ForeignKeyOrder.of(targets, replicaRole);
    }

    private static void refuseCycle(ForeignKeyOrder order, TableName table) throws BatchConflictException {
        if (order.cyclic().contains(table)) {
            throw new BatchConflictException(
                    order.cyclic(),
                    "Tables " + order.cyclic() + " reference each other in a cycle that is checked at once",
                    null);
        }
    }

    private static void guard(NetTable table, Work work) throws SQLException, BatchConflictException {
        guard(Set.of(table.binding().table()), work);
    }

    /** Weather passes; whatever else fails is found again, and named, by careful replay. */
    private static void guard(Set<TableName> tables, Work work) throws SQLException, BatchConflictException {
        try {
            work.run();
        } catch (TableException e) {
            throw new BatchConflictException(Set.of(e.table()), e.reason(), e);
        } catch (SQLException e) {
            SqlFailures.Kind kind = SqlFailures.classify(e);
            if (kind == SqlFailures.Kind.CONFLICT || kind == SqlFailures.Kind.TABLE_ERROR) {
                Set<TableName> named = new HashSet<>(tables.size() == 1 ? tables : Set.of());
                SqlFailures.table(e).ifPresent(named::add);
                throw new BatchConflictException(named, "Batch on " + tables + ": " + SqlFailures.describe(e), e);
            }
            throw e;
        }
    }

    private interface Work {
        void run() throws SQLException, BatchConflictException, TableException;
    }
}
