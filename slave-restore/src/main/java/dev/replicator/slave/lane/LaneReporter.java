package dev.replicator.slave.lane;

import dev.replicator.queue.Position;
import java.util.List;

/** Keeps a lane's status. The lane's thread writes, reporters read. */
final class LaneReporter {
    private final String lane;
    private final Runnable changed;
    private volatile String state = "connecting";
    private volatile String error = "";
    private volatile Position position;
    private volatile Position durable;
    private volatile List<String> tables = List.of();
    private volatile long lagMicros;
    private volatile int backendPid;
    private volatile long busySinceNanos;

    LaneReporter(String lane, Runnable changed) {
        this.lane = lane;
        this.changed = changed;
    }

    LaneStatus status() {
        return new LaneStatus(lane, state, error, position, durable, tables, lagMicros, backendPid, busySinceNanos);
    }

    void state(String now, String why) {
        if (!state.equals(now) || !error.equals(why)) {
            state = now;
            error = why;
            changed.run();
        }
    }

    /** A session begins at a position that was read from the database and is on its disk. */
    void session(int pid, Position start, List<String> carried) {
        backendPid = pid;
        position = start;
        durable = start;
        tables = carried;
    }

    void position(Position now) {
        position = now;
    }

    void durable(Position now) {
        durable = now;
    }

    void lag(long micros) {
        lagMicros = micros;
    }

    /** @param nanos {@link System#nanoTime}, or 0 when the transaction is over */
    void busySince(long nanos) {
        busySinceNanos = nanos;
    }
}
