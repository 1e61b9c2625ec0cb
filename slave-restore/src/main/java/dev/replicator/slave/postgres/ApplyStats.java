package dev.replicator.slave.postgres;

/**
 * What a {@link BatchApplier} did since it was made.
 *
 * @param changes changes handed in
 * @param inserted rows inserted, without the second halves of split updates
 * @param updated rows updated, split ones included
 * @param deleted rows deleted, without the first halves of split updates
 * @param truncated tables emptied by TRUNCATE
 * @param pieces flushes
 */
public record ApplyStats(long changes, long inserted, long updated, long deleted, long truncated, long pieces) {}
