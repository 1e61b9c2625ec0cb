package dev.replicator.slave.lane;

import dev.replicator.queue.Position;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.RestoreMode;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.TableState;
import java.util.List;

/** When and how a side lane may join the main lane (rules R11, R14). No input, no output. */
final class HandOverRules {
    /** A lane less than this many transactions behind is worth waiting for. */
    static final long NEAR = 1000;

    private HandOverRules() {}

    /** What a side lane has to do next at a place between batches. */
    enum Next {
        /** Go on: a boundary is not settled. */
        CATCH_UP,
        /** Rewrite tables that nobody keeps current from their copies, in a transaction of its own. */
        CHANGE_OVER,
        /** Wait for the main lane and join it. */
        OFFER
    }

    static Next next(LanePlan plan, SlaveState state) {
        if (!plan.isSettled()) {
            return Next.CATCH_UP;
        }
        return changeOvers(state, plan.lane().lane()).isEmpty() ? Next.OFFER : Next.CHANGE_OVER;
    }

    /** Shadows of the lane whose tables are not in service in the main lane: nobody writes those tables meanwhile. */
    static List<Restore> changeOvers(SlaveState state, String lane) {
        return state.restoresOf(lane).stream()
                .filter(restore -> restore.mode() == RestoreMode.SHADOW)
                .filter(restore -> !isLive(state, restore))
                .toList();
    }

    static boolean isLive(SlaveState state, Restore restore) {
        TableState table = state.tables().get(restore.table());
        return table != null && table.isLive();
    }

    /**
     * Whether a side lane may stop where it stands and wait for the main lane: the main lane must not be beyond already.
     *
     * @param side where the side lane stands
     * @param mainTarget where the main lane will stand after what it is doing now
     */
    static boolean mayWait(Position side, Position mainTarget) {
        return side.epoch().equals(mainTarget.epoch()) && side.seq() >= mainTarget.seq();
    }

    /** Whether the main lane should wait a moment for a settled side lane. */
    static boolean isNear(Position side, Position main) {
        return side.epoch().equals(main.epoch()) && side.seq() < main.seq() && main.seq() - side.seq() <= NEAR;
    }

    /**
     * Whether a lane may take the batch after the one it is at: then it will not stand at any place before that batch's end,
     * and nobody must be waiting for it to.
     */
    static boolean mayTakeAhead(LanePlan plan, SlaveState state, LaneBoard board) {
        return plan.lane().isMain() ? board.isQuiet(plan.lane().position()) : next(plan, state) == Next.CATCH_UP;
    }
}
