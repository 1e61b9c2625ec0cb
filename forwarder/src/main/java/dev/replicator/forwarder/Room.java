package dev.replicator.forwarder;

/** Whether the queue takes anything in: closed while its budget is used up and nothing may give way. */
final class Room {
    private volatile boolean closed;

    void close() {
        closed = true;
    }

    void open() {
        closed = false;
    }

    boolean isClosed() {
        return closed;
    }
}
