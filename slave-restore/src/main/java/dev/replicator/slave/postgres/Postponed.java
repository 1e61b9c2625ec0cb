package dev.replicator.slave.postgres;

import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Inserts and deletes of one transaction that a live foreign key refused row by row (rule R19). The master may have written
 * them in an order that only its own foreign keys allow: a parent before the children that ON DELETE CASCADE takes along, a
 * child before its parent within one statement. They are tried again when something does not fit for want of them, and at
 * the end. Updates never wait: a later change of the same row would be overwritten by an older one.
 */
final class Postponed {
    /** A transaction that needs more is one for the fast path: changes are kept in memory here. */
    private static final int LIMIT = 100_000;

    private final List<Entry> entries = new ArrayList<>();

    /** A change, the policy in force for it, and how it was refused. */
    record Entry(TableBinding binding, RowChange change, ConflictPolicy policy, RowOutcome refusal) {}

    /** Whether a refusal by a foreign key may be a matter of order only. */
    static boolean mayWait(TableBinding binding, RowChange change, boolean replicaRole) {
        TargetTable target = binding.target();
        List<TargetForeignKey> keys =
                switch (change.kind()) {
                    case INSERT -> target.references();
                    case DELETE -> target.referencedBy();
                    default -> List.of();
                };
        return keys.stream().anyMatch(key -> key.fires(replicaRole));
    }

    void add(TableBinding binding, RowChange change, ConflictPolicy policy, RowOutcome refusal) {
        entries.add(new Entry(binding, change, policy, refusal));
    }

    boolean isFull() {
        return entries.size() >= LIMIT;
    }

    void remove(Entry entry) {
        entries.remove(entry);
    }

    /** A table is emptied: nothing that waits for it matters any more. */
    void forget(TableName table) {
        entries.removeIf(entry -> entry.binding().table().equals(table));
    }

    void clear() {
        entries.clear();
    }

    boolean isEmpty() {
        return entries.isEmpty();
    }

    /** The order in which they most likely fit: what was refused last waits for the least. */
    List<Entry> lastFirst() {
        List<Entry> order = new ArrayList<>(entries);
        Collections.reverse(order);
        return order;
    }

    /** What is still refused, in the order of the master. */
    List<Entry> refusals() {
        return List.copyOf(entries);
    }
}
