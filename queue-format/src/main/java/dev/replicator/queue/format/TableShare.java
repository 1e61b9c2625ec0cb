package dev.replicator.queue.format;

/**
 * What one table has in a record.
 *
 * @param tableId the table
 * @param changeCount its changes
 * @param blockBytes length of its blocks in the body, block headers included
 */
public record TableShare(int tableId, long changeCount, long blockBytes) {}
