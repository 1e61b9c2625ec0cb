package dev.replicator.queue.store;

import dev.replicator.queue.Position;

/**
 * What is durable.
 *
 * @param tail position of the last transaction, or the base
 * @param sourceLsn the later of last transaction and last heartbeat
 * @param records records made durable since opening
 */
record Durable(Position tail, long sourceLsn, long records) {}
