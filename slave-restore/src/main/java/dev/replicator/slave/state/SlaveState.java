package dev.replicator.slave.state;

import dev.replicator.queue.TableName;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything durable about the slave at one moment.
 *
 * @param lanes by name; without {@code main} on a slave that never got a position
 * @param tables by name
 * @param restores by table
 * @param paused whether an operator stopped all lanes
 */
public record SlaveState(
        Map<String, LanePosition> lanes,
        Map<TableName, TableState> tables,
        Map<TableName, Restore> restores,
        boolean paused) {

    public SlaveState {
        lanes = Map.copyOf(lanes);
        tables = Map.copyOf(tables);
        restores = Map.copyOf(restores);
    }

    public Optional<LanePosition> lane(String name) {
        return Optional.ofNullable(lanes.get(name));
    }

    public Optional<LanePosition> main() {
        return lane(LanePosition.MAIN);
    }

    public Optional<Restore> restore(TableName table) {
        return Optional.ofNullable(restores.get(table));
    }

    /** Tables that the lane applies directly. */
    public List<TableState> tablesOf(String lane) {
        return tables.values().stream()
                .filter(table -> lane.equals(table.lane()))
                .toList();
    }

    /** Whether the table stands still in a lane of its own until somebody decides. */
    public boolean isParked(TableState table) {
        return table.lane() != null
                && lane(table.lane()).map(LanePosition::parked).orElse(false);
    }

    /** Copies that the lane applies. */
    public List<Restore> restoresOf(String lane) {
        return restores.values().stream()
                .filter(restore -> lane.equals(restore.lane()))
                .toList();
    }

    /** Restores of one group. */
    public List<Restore> group(String group) {
        return restores.values().stream()
                .filter(restore -> restore.group().equals(group))
                .toList();
    }

    /** Distinct groups, in order. */
    public Collection<String> groups() {
        return restores.values().stream()
                .map(Restore::group)
                .distinct()
                .sorted()
                .toList();
    }
}
