package dev.replicator.slave.netting;

/**
 * One row's net change over a batch: where it was found ({@link #origin}) and what it is in the end ({@link #values}).
 */
public final class NetRow {
    private final Object[] origin;
    private Object[] values;
    private boolean shared;
    private boolean keyChanged;
    private boolean live = true;

    NetRow(Object[] origin, Object[] values, boolean shared) {
        this.origin = origin;
        this.values = values;
        this.shared = shared;
    }

    /** Key values under which the row stood before the batch; null for a row that was inserted in it. */
    public Object[] origin() {
        return origin;
    }

    /**
     * Last known values per column, {@link dev.replicator.queue.Unchanged} where the batch never told; null for a row
     * that is deleted. Read-only.
     */
    public Object[] values() {
        return values;
    }

    /** True when the row is there at the end of the batch. */
    public boolean live() {
        return live;
    }

    /** True when the row stands under another key than {@link #origin}. */
    public boolean keyChanged() {
        return keyChanged;
    }

    void keyChanged(boolean changed) {
        keyChanged = changed;
    }

    void delete() {
        live = false;
        values = null;
    }

    /** A whole row takes the deleted one's place. */
    void replace(Object[] whole) {
        live = true;
        values = whole;
        shared = true;
    }

    /** The values, safe to write to: images handed in stay untouched, because another netting may hold them too. */
    Object[] own() {
        if (shared) {
            values = values.clone();
            shared = false;
        }
        return values;
    }
}
