/**
 * The replication queue on disk: append-only segments of records, group commit, recovery, index and retention.
 *
 * <p>Entry: {@link dev.replicator.queue.store.ReplicationQueue}. {@code docs/format/queue-v1.md} has the byte tables.
 * One writer thread appends; any number of readers read, each on its own thread; the queue's own sync thread makes
 * groups durable. RocksDB types stop in this package.
 */
package dev.replicator.queue.store;
