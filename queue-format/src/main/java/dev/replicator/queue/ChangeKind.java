package dev.replicator.queue;

/** What happened to a row or table. The order is part of the block format: never reorder. */
public enum ChangeKind {
    /** after = whole row. */
    INSERT,
    /** after = whole row, unsent values {@link Unchanged}; before only when the identity changed or is full. */
    UPDATE,
    /** before = identity columns, or the whole row under full identity. */
    DELETE,
    /** No images. */
    TRUNCATE
}
