package dev.replicator.slave.lane;

import dev.replicator.queue.TableName;
import dev.replicator.slave.state.LanePosition;
import java.util.List;
import java.util.Map;

/**
 * A lane and what it applies, as of one generation of its row.
 *
 * @param lane where it stands
 * @param replicas relations by the master's table id; the table itself before its copy
 */
record LanePlan(LanePosition lane, Map<Integer, List<Replica>> replicas) {
    LanePlan {
        replicas = Map.copyOf(replicas);
    }

    /** Markers that boundaries wait for. */
    List<String> awaitedMarkers() {
        return replicas.values().stream()
                .flatMap(List::stream)
                .filter(replica -> replica.boundary() != null)
                .map(replica -> replica.boundary().markerId())
                .distinct()
                .toList();
    }

    /** Names to subscribe to. */
    List<String> tables() {
        return replicas.values().stream()
                .map(list -> list.get(0).table())
                .distinct()
                .sorted()
                .map(TableName::toString)
                .toList();
    }

    /** Every boundary is settled: nothing the dumps hold can come any more. */
    boolean isSettled() {
        return replicas.values().stream().flatMap(List::stream).allMatch(replica -> replica.boundary() == null);
    }

    LanePlan at(LanePosition position) {
        return new LanePlan(position, replicas);
    }
}
