package dev.replicator.queue.store;

import java.io.IOException;

/** placeholder until the store lands in the next commit. */
final class SegmentedQueue {
    private SegmentedQueue() {}

    static ReplicationQueue open(QueueOptions options) throws IOException {
        throw new IOException("not built: " + options.directory());
    }
}
