package dev.replicator.slave.state;

import dev.replicator.queue.Position;
import java.util.Objects;

/**
 * A lane as its row has it: {@code replicator.progress} for the main lane, {@code replicator.lane} for a side lane.
 *
 * @param lane its name
 * @param position everything up to here is applied
 * @param commitMicros commit time of transaction {@code position.seq()}; 0 when the lane did not apply it itself
 * @param generation grows whenever the set of tables of the lane changes; compared together with the position, so a lane never applies with
 *     yesterday's tables
 * @param parked true when it does not run until an operator decides
 */
public record LanePosition(String lane, Position position, long commitMicros, long generation, boolean parked) {
    /** Name of the lane whose position is the slave's. */
    public static final String MAIN = "main";

    public LanePosition {
        Objects.requireNonNull(lane, "lane");
        Objects.requireNonNull(position, "position");
    }

    /** A lane at a position of which nothing else is known. */
    public LanePosition(String lane, Position position, long generation, boolean parked) {
        this(lane, position, 0, generation, parked);
    }

    public boolean isMain() {
        return MAIN.equals(lane);
    }

    /** The same lane at another place. */
    public LanePosition at(Position next) {
        return new LanePosition(lane, next, 0, generation, parked);
    }
}
