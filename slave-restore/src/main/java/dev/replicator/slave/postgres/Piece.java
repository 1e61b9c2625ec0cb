package dev.replicator.slave.postgres;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.slave.netting.FallbackMemory;
import dev.replicator.slave.netting.NettingException;
import dev.replicator.slave.netting.RowNetting;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Row changes that are going to be written together: netted by key, or in their order where there is no key or the table is
 * slow. No database in here; not thread-safe.
 */
final class Piece {
    private final FallbackMemory memory;
    private final ApplyOptions options;
    private final boolean replicaRole;
    private final Map<TableName, Collected> tables = new LinkedHashMap<>();
    /** Tables lately met, found again without hashing a name for every change. */
    private final Collected[] recent = new Collected[8];

    private final List<Single> inOrder = new ArrayList<>();
    private int nextRecent;
    private long bytes;
    private long changes;

    /** @param replicaRole whether origin triggers and foreign keys do not act where it will be written */
    Piece(FallbackMemory memory, ApplyOptions options, boolean replicaRole) {
        this.memory = memory;
        this.options = options;
        this.replicaRole = replicaRole;
    }

    /**
     * Adds a change of a row.
     *
     * @return false when the table is in here under another binding: its definition changed, what came before is of
     *     another shape and has to be written first
     * @throws BatchConflictException when the change does not fit those before it
     */
    boolean add(TableBinding binding, RowChange change) throws BatchConflictException {
        Collected table = collected(binding);
        if (table == null) {
            return false;
        }
        collect(table, change);
        changes++;
        bytes += Values.size(change);
        return true;
    }

    private Collected collected(TableBinding binding) {
        for (Collected table : recent) {
            if (table != null && table.binding == binding) {
                return table;
            }
        }
        Collected table = tables.get(binding.table());
        if (table == null) {
            table = new Collected(binding, memory.slow(binding.table()), options, replicaRole);
            tables.put(binding.table(), table);
        } else if (table.binding != binding) {
            return null;
        }
        recent[nextRecent++ % recent.length] = table;
        return table;
    }

    private void collect(Collected table, RowChange change) throws BatchConflictException {
        if (table.slow) {
            inOrder.add(new Single(table.binding, change));
        } else if (table.netting == null) {
            table.ordered.add(new Single(table.binding, change));
        } else {
            try {
                table.netting.add(change);
            } catch (NettingException e) {
                TableName name = table.binding.table();
                throw new BatchConflictException(Set.of(name), "Netting table " + name + ": " + e.getMessage(), e);
            }
        }
    }

    /** Makes ready what can be made ready before the target is asked anything. */
    void encode() {
        tables.values().forEach(Collected::encode);
    }

    boolean isEmpty() {
        return tables.isEmpty();
    }

    /** Whether it holds as much as one piece may. */
    boolean isFull() {
        return bytes >= options.memoryBytes();
    }

    long changes() {
        return changes;
    }

    Collection<Collected> tables() {
        return tables.values();
    }

    /** Changes of slow tables in master order. */
    List<Single> inOrder() {
        return inOrder;
    }

    /** A change that is applied by itself. */
    record Single(TableBinding binding, RowChange change) {
        boolean continues(Single first) {
            return binding == first.binding && change.kind() == ChangeKind.INSERT;
        }
    }

    /** What is collected for one table. */
    static final class Collected {
        private final TableBinding binding;
        private final boolean slow;
        private final ApplyOptions options;
        private final RowNetting netting;
        private final List<Single> ordered = new ArrayList<>();
        private NetTable netted;
        private Insertion inserts;

        private Collected(TableBinding binding, boolean slow, ApplyOptions options, boolean replicaRole) {
            this.binding = binding;
            this.slow = slow;
            this.options = options;
            this.netting = binding.keyed() ? new RowNetting(binding.locator(), binding.replaceable(replicaRole)) : null;
        }

        private void encode() {
            if (isNetted()) {
                netted().encode();
            } else if (!ordered.isEmpty()
                    && ordered.stream().allMatch(single -> single.change.kind() == ChangeKind.INSERT)) {
                inserts = new SetWriter(binding, options.copyRows())
                        .insertion(ordered.stream()
                                .map(single -> single.change.after())
                                .toList());
                inserts.encode();
            }
        }

        TableBinding binding() {
            return binding;
        }

        /** Whether its changes are netted; else they are applied in their order. */
        boolean isNetted() {
            return netting != null && !slow;
        }

        /** Its netted rows: nothing can be added any more. */
        NetTable netted() {
            if (netted == null) {
                netted = new NetTable(binding, new SetWriter(binding, options.copyRows()), netting.rows());
            }
            return netted;
        }

        /** Changes of a table without a key. */
        List<Single> ordered() {
            return ordered;
        }

        /** All of {@link #ordered}, made ready; null when it was not, or is more than inserts. */
        Insertion inserts() {
            return inserts;
        }
    }
}
