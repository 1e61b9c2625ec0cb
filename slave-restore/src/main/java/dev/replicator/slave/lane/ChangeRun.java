package dev.replicator.slave.lane;

import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;

/**
 * Consecutive changes of one transaction for one relation: a block.
 *
 * @param replica where they go
 * @param schema what the images look like
 * @param seq the transaction
 * @param changes in master order; the arrays belong to whoever goes through them
 */
record ChangeRun(Replica replica, TableSchema schema, long seq, Iterable<RowChange> changes) {}
