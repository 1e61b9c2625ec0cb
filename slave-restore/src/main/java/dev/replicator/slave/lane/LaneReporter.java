package dev.replicator.slave.lane;

import dev.replicator.queue.Position;
import java.util.List;

/** Keeps a lane's status. The lane writes, reporters read. */
final class LaneReporter {
    private final Runnable changed;
    private volatile LaneStatus status;

    LaneReporter(String lane, Runnable changed) {
        this.changed = changed;
        this.status = new LaneStatus(lane, "connecting", "", null, List.of(), 0, 0, 0);
    }

    LaneStatus status() {
        return status;
    }

    void state(String state, String error) {
        LaneStatus old = status;
        if (old.state().equals(state) && old.error().equals(error)) {
            return;
        }
        status = new LaneStatus(
                old.lane(),
                state,
                error,
                old.position(),
                old.tables(),
                old.lagMicros(),
                old.backendPid(),
                old.busySinceNanos());
        changed.run();
    }

    void session(int backendPid, Position position, List<String> tables) {
        LaneStatus old = status;
        status = new LaneStatus(
                old.lane(), old.state(), old.error(), position, tables, old.lagMicros(), backendPid, 0);
    }

    void position(Position position) {
        LaneStatus old = status;
        status = new LaneStatus(
                old.lane(),
                old.state(),
                old.error(),
                position,
                old.tables(),
                old.lagMicros(),
                old.backendPid(),
                0);
    }

    void lag(long micros) {
        LaneStatus old = status;
        status = new LaneStatus(
                old.lane(),
                old.state(),
                old.error(),
                old.position(),
                old.tables(),
                micros,
                old.backendPid(),
                old.busySinceNanos());
    }

    void busySince(long nanos) {
        LaneStatus old = status;
        status = new LaneStatus(
                old.lane(),
                old.state(),
                old.error(),
                old.position(),
                old.tables(),
                old.lagMicros(),
                old.backendPid(),
                nanos);
    }
}
