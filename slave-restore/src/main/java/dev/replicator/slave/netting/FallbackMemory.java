package dev.replicator.slave.netting;

import dev.replicator.queue.TableName;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/**
 * Remembers which tables made a batch fall back to careful replay, so that they alone go row by row for the following
 * batches while all others stay on the fast path (rule R18). The pause doubles with every relapse up to {@value
 * #LONGEST_PAUSE} batches and is forgotten after as many good fast batches. Not thread-safe: one per lane.
 */
public final class FallbackMemory {
    private static final int LONGEST_PAUSE = 1024;

    private final Map<TableName, Entry> entries = new HashMap<>();

    /** Notes that these tables made a batch fall back: they are slow for the next batches. */
    public void fellBack(Collection<TableName> tables) {
        for (TableName table : tables) {
            Entry entry = entries.computeIfAbsent(table, name -> new Entry());
            entry.pause = entry.pause == 0 ? 4 : Math.min(entry.pause * 2, LONGEST_PAUSE);
            entry.slowBatches = entry.pause;
            entry.goodBatches = 0;
        }
    }

    /** True while the table's changes are to be applied one by one. */
    public boolean slow(TableName table) {
        Entry entry = entries.get(table);
        return entry != null && entry.slowBatches > 0;
    }

    /** True when nothing fell back lately: every table is on the fast path. */
    public boolean isEmpty() {
        return entries.isEmpty();
    }

    /** Notes that a batch with changes of these tables was committed on the fast path. */
    public void batchCommitted(Collection<TableName> tables) {
        for (TableName table : tables) {
            Entry entry = entries.get(table);
            if (entry == null) {
                continue;
            }
            if (entry.slowBatches > 0) {
                entry.slowBatches--;
            } else if (++entry.goodBatches >= entry.pause) {
                entries.remove(table);
            }
        }
    }

    private static final class Entry {
        private int pause;
        private int slowBatches;
        private int goodBatches;
    }
}
