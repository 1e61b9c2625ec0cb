package dev.replicator.queue;

/**
 * Stands in a row image for a value the master did not send: in {@code after}, a TOASTed value that the update left as
 * it was; in {@code before}, a column outside the replica identity. Never written to a target.
 */
public enum Unchanged {
    UNCHANGED
}
