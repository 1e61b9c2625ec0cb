package dev.replicator.slave.lane;

import dev.replicator.queue.Position;
import dev.replicator.slave.state.LanePosition;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongFunction;

/**
 * Where lanes of one daemon arrange a hand-over. It only brings them to the same place; that they stand there is checked
 * by the hand-over's own transaction. Thread-safe.
 */
public final class LaneBoard {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<String, LanePosition> offers = new HashMap<>();
    private final Map<String, Position> settled = new HashMap<>();
    private final Set<String> compared = new HashSet<>();
    private Position mainTarget;
    private Runnable mainWaker = () -> {};

    /** The main lane runs and stands here; null when it does not run. */
    void mainAt(Position position, Runnable waker) {
        lock.lock();
        try {
            mainTarget = position;
            mainWaker = waker;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes the main lane's next batch, no further than to the nearest waiting side lane.
     *
     * @param take gets the highest seq allowed; returns the batch or null
     */
    Batch nextForMain(LongFunction<Batch> take) {
        lock.lock();
        try {
            Batch batch = take.apply(limitLocked());
            if (batch != null && batch.end() != null) {
                mainTarget = batch.end();
            }
            changed.signalAll();
            return batch;
        } finally {
            lock.unlock();
        }
    }

    /** The highest seq the main lane may reach now. */
    long limit() {
        lock.lock();
        try {
            return limitLocked();
        } finally {
            lock.unlock();
        }
    }

    private long limitLocked() {
        return offers.values().stream()
                .mapToLong(offer -> offer.position().seq())
                .min()
                .orElse(Long.MAX_VALUE);
    }

    /** The waiting side lane that comes first. */
    Optional<LanePosition> firstOffer() {
        lock.lock();
        try {
            return offers.values().stream()
                    .min((a, b) -> Long.compare(a.position().seq(), b.position().seq()));
        } finally {
            lock.unlock();
        }
    }

    /** Tells where a settled side lane is; whether it may stop there and offer to join. */
    boolean mayOffer(String lane, Position reached) {
        lock.lock();
        try {
            settled.put(lane, reached);
            changed.signalAll();
            return mainTarget != null && HandOverRules.mayWait(reached, mainTarget);
        } finally {
            lock.unlock();
        }
    }

    /**
     * A settled side lane offers to join where it stands.
     *
     * @return false when the main lane is beyond that place: go on and try again
     */
    boolean offer(LanePosition lane) {
        Runnable waker;
        lock.lock();
        try {
            settled.put(lane.lane(), lane.position());
            changed.signalAll();
            if (mainTarget == null || !HandOverRules.mayWait(lane.position(), mainTarget)) {
                return false;
            }
            offers.put(lane.lane(), lane);
            waker = mainWaker;
        } finally {
            lock.unlock();
        }
        waker.run();
        return true;
    }

    /** The side lane goes on or ends. */
    void withdraw(String lane) {
        lock.lock();
        try {
            offers.remove(lane);
            settled.remove(lane);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Whether the offer still stands; waits until it does not, the main lane left, or time is up. */
    boolean awaitAnswer(String lane, Duration most) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = most.toNanos();
            while (offers.containsKey(lane) && left > 0) {
                left = changed.awaitNanos(left);
            }
            return offers.containsKey(lane);
        } finally {
            lock.unlock();
        }
    }

    /** Lets the main lane wait until no settled side lane is just behind it, at most the time given. */
    void awaitNear(Position main, Duration most) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = most.toNanos();
            while (left > 0 && offers.isEmpty() && isAnyNearLocked(main)) {
                left = changed.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Whether {@link #awaitNear} would wait. */
    boolean isAnyNear(Position main) {
        lock.lock();
        try {
            return offers.isEmpty() && isAnyNearLocked(main);
        } finally {
            lock.unlock();
        }
    }

    private boolean isAnyNearLocked(Position main) {
        return settled.values().stream().anyMatch(side -> HandOverRules.isNear(side, main));
    }

    /** Whether nobody wants anything of the main lane. */
    boolean isQuiet(Position main) {
        lock.lock();
        try {
            return offers.isEmpty() && compared.isEmpty() && !isAnyNearLocked(main);
        } finally {
            lock.unlock();
        }
    }

    /** The keys to rewrite of a group are listed: the main lane may do it. */
    public void compared(String group) {
        Runnable waker;
        lock.lock();
        try {
            compared.add(group);
            waker = mainWaker;
        } finally {
            lock.unlock();
        }
        waker.run();
    }

    /** Takes a group whose keys are listed. */
    Optional<String> takeCompared() {
        lock.lock();
        try {
            Optional<String> group = compared.stream().findFirst();
            group.ifPresent(compared::remove);
            return group;
        } finally {
            lock.unlock();
        }
    }

    /** Forgets everything of groups that are compared: a new main lane begins from the database. */
    void forgetCompared() {
        lock.lock();
        try {
            compared.clear();
        } finally {
            lock.unlock();
        }
    }
}
