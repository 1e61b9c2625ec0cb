package dev.replicator.slave;

import dev.replicator.slave.lane.Lane;
import dev.replicator.slave.lane.LaneContext;
import dev.replicator.slave.lane.LaneStatus;
import dev.replicator.slave.state.LanePosition;
import dev.replicator.slave.state.SlaveState;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The lanes that run in this process: one for each row that is not parked, and the main lane always. */
final class LaneFleet implements AutoCloseable {
    private final LaneContext context;
    private final Map<String, Lane> lanes = new ConcurrentHashMap<>();

    LaneFleet(LaneContext context) {
        this.context = context;
    }

    /** Starts what should run and does not; what is over is forgotten. */
    void follow(SlaveState state) {
        lanes.values().removeIf(Lane::isFinished);
        start(LanePosition.MAIN);
        state.lanes().values().stream()
                .filter(lane -> !lane.parked())
                .map(LanePosition::lane)
                .forEach(this::start);
    }

    private void start(String name) {
        lanes.computeIfAbsent(name, lane -> {
            Lane started = new Lane(lane, context);
            started.start();
            return started;
        });
    }

    /** Makes all lanes look at their rows again. */
    void refresh() {
        lanes.values().forEach(Lane::refresh);
    }

    /** Makes the main lane begin anew where the forwarder says; all tables wait for dumps from then on. */
    void startAnew() {
        Optional.ofNullable(lanes.get(LanePosition.MAIN)).ifPresent(Lane::startAnew);
    }

    /** Whether the forwarder's history is not the one the main lane follows. */
    boolean isForked() {
        return Optional.ofNullable(lanes.get(LanePosition.MAIN))
                .map(Lane::isForked)
                .orElse(false);
    }

    List<LaneStatus> statuses() {
        return lanes.values().stream().map(Lane::status).toList();
    }

    @Override
    public void close() {
        lanes.values().forEach(Lane::requestStop);
        lanes.values().forEach(Lane::close);
        lanes.clear();
    }
}
