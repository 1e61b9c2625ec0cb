package dev.replicator.queue.store;

/**
 * What opening a queue had to mend.
 *
 * @param tornBytes bytes cut behind the last complete commit group; 0 after an orderly stop
 * @param indexRebuilt true when the index was made anew from the segments: cursors are then unknown (rule R16)
 * @param abandonedFiles files of unfinished large transactions that were removed
 */
public record RecoveryReport(long tornBytes, boolean indexRebuilt, int abandonedFiles) {}
