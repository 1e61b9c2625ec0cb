package dev.replicator.capture;

import dev.replicator.capture.postgres.TransactionIds;
import java.util.function.IntToLongFunction;

/**
 * What reader and catalogue watcher of one replication session share.
 *
 * @param truncatedAt where the stream last truncated a table, by its id
 */
record SessionParts(
        Spool spool,
        TransactionIds ids,
        Announcements announcements,
        StatusBoard board,
        IntToLongFunction truncatedAt) {}
