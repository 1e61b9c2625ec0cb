package dev.replicator.capture;

import dev.replicator.capture.postgres.TransactionIds;
import java.util.function.IntToLongFunction;

/**
 * What reader and catalogue watcher of one replication session share.
 *
 * @param truncatedBy full id of the transaction by which the stream last truncated a table, by the table's id
 */
record SessionParts(
        Spool spool,
        TransactionIds ids,
        Announcements announcements,
        StatusBoard board,
        IntToLongFunction truncatedBy) {}
