package dev.replicator.slave.lane;

import dev.replicator.queue.Position;
import dev.replicator.runtime.Steps;
import dev.replicator.slave.state.LanePosition;
import dev.replicator.slave.state.SlaveState;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * What a lane does between batches together with other lanes: the main lane lets side lanes join and finishes re-syncs, a
 * settled side lane changes over and offers to join (docs/architecture.md, "Lanes", steps 5 to 7). On the lane's thread.
 */
final class Arrangement {
    private static final Duration NEAR_WAIT = Duration.ofSeconds(1);
    private static final long NEAR_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final LaneContext context;
    private final Intake intake;
    private final Place place;
    private final HandOver handOver;
    private long nearAllowedNanos = System.nanoTime();

    /** Where the lane is. */
    interface Place {
        LanePlan plan();

        SlaveState state();

        /** Everything up to here is applied, stored or not. */
        Position reached();

        /** Stores {@link #reached}. */
        void storePosition() throws SQLException;

        /** Whether somebody wants the session to end. */
        boolean isInterrupted();
    }

    Arrangement(LaneContext context, Connection connection, Intake intake, Place place) {
        this.context = context;
        this.intake = intake;
        this.place = place;
        this.handOver = new HandOver(connection, context.rows());
    }

    /**
     * Does what can be done now.
     *
     * @return true when the lane's tables changed by it: the session is over
     */
    boolean step() throws SQLException, InterruptedException {
        boolean changed = place.plan().lane().isMain() ? main() : side();
        if (changed) {
            context.changed().run();
        }
        return changed;
    }

    private boolean main() throws SQLException, InterruptedException {
        LaneBoard board = context.board();
        LanePosition here = place.plan().lane();
        Optional<String> group = board.takeCompared();
        if (group.isPresent() && handOver.finishResync(here, group.get())) {
            return true;
        }
        Optional<LanePosition> offer = board.firstOffer();
        if (offer.isPresent() && intake.isDrainedThrough(offer.get().position().seq())) {
            try {
                return handOver.join(here, offer.get());
            } finally {
                board.withdraw(offer.get().lane());
            }
        }
        if (System.nanoTime() - nearAllowedNanos >= 0 && board.isAnyNear(place.reached())) {
            board.awaitNear(place.reached(), NEAR_WAIT);
            nearAllowedNanos = System.nanoTime() + NEAR_PAUSE_NANOS;
        }
        return false;
    }

    private boolean side() throws SQLException, InterruptedException {
        HandOverRules.Next next = HandOverRules.next(place.plan(), place.state());
        if (next == HandOverRules.Next.CATCH_UP) {
            return false;
        }
        if (next == HandOverRules.Next.CHANGE_OVER) {
            handOver.changeOver(place.plan());
            return true;
        }
        String lane = place.plan().lane().lane();
        if (!context.board().mayOffer(lane, place.reached())) {
            return false;
        }
        // The main lane's transaction will demand that the stored position is the offered one.
        place.storePosition();
        Steps.reached("lane.join-ready");
        if (!context.board().offer(place.plan().lane())) {
            return false;
        }
        Steps.reached("lane.join-offered");
        boolean waiting = true;
        while (waiting && !place.isInterrupted()) {
            waiting = context.board().awaitAnswer(lane, LaneSession.TICK);
        }
        return true;
    }
}
