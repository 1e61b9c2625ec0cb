package dev.replicator.slave.state;

/**
 * The target's own write-ahead log at one moment.
 *
 * @param insert everything committed before this moment ends at or below
 * @param flushed durable up to here
 */
public record WalPositions(long insert, long flushed) {}
