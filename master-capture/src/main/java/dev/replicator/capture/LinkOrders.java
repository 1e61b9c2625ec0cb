package dev.replicator.capture;

import dev.replicator.queue.wire.DumpOrder;

/** What the forwarder asks of capture. Called on gRPC's threads; must not block. */
interface LinkOrders {
    /** Dumps of tables under one snapshot; asked again after each reconnect until they have arrived or failed. */
    void dump(DumpOrder order);

    /** Nobody wants a dump any more. */
    void cancelDump(String dumpId);

    /** A logical message with this text is to come by in the stream. */
    void mark(String marker);
}
