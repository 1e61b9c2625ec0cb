package dev.replicator.forwarder;

import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.store.ReplicationQueue;
import java.util.function.Consumer;

/**
 * What a connection of capture works with.
 *
 * @param cluster must be capture's too
 * @param queue read only here
 * @param appender writes
 * @param link where the connection is known
 * @param histories decides the greeting
 * @param slaves told of new tables
 * @param dumps told of markers and changes
 * @param markers those who wait for one
 * @param room holds taking in at the queue's budget
 * @param ingested told every transaction's header
 * @param statusChanged run at each status of capture
 * @param failure told what the daemon cannot go on after
 */
record CaptureContext(
        String cluster,
        ReplicationQueue queue,
        QueueAppender appender,
        CaptureLink link,
        Histories histories,
        Slaves slaves,
        DumpCatalog dumps,
        Markers markers,
        Room room,
        Consumer<RecordHeader> ingested,
        Runnable statusChanged,
        Consumer<Exception> failure) {}
