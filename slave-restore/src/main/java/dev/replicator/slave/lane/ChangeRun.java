package dev.replicator.slave.lane;

import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;
import java.util.List;

/**
 * Consecutive changes of one transaction for one relation: a decoded block.
 *
 * @param replica where they go
 * @param schema what the images look like
 * @param seq the transaction
 * @param changes in master order; the arrays belong to this run alone
 */
record ChangeRun(Replica replica, TableSchema schema, long seq, List<RowChange> changes) {}
