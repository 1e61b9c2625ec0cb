package dev.replicator.slave;

import dev.replicator.runtime.Steps;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Brings the main lane to one place, once: a batch is written and not committed, and the next one is taken and prepared. There
 * the lane does what the test says.
 */
final class AheadSteps implements Steps.Observer, AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String MAIN = "lane-main";

    private final Action action;
    private final Semaphore prepared = new Semaphore(0);
    private final CountDownLatch offered = new CountDownLatch(1);
    private final CountDownLatch there = new CountDownLatch(1);
    private final CountDownLatch done = new CountDownLatch(1);
    private boolean begun;
    private volatile Throwable failure;

    /** What happens there, on the lane's thread. */
    @FunctionalInterface
    interface Action {
        void run(AheadSteps steps) throws Exception;
    }

    AheadSteps(Action action) {
        this.action = action;
        Steps.observe(this);
    }

    @Override
    public void reached(String step) {
        boolean main = Thread.currentThread().getName().equals(MAIN);
        switch (step) {
            case "lane.ahead-prepared" -> prepared.release();
            case "lane.join-offered" -> offered.countDown();
            case "lane.ahead-begun" -> begun |= main;
            case "lane.batch-written" -> {
                if (main && begun && there.getCount() > 0) {
                    act();
                }
            }
            default -> {}
        }
    }

    private void act() {
        try {
            if (!prepared.tryAcquire(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                throw new IllegalStateException("no batch was prepared within " + PATIENCE);
            }
            there.countDown();
            action.run(this);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("the daemon is stopped", e);
        } catch (Exception | AssertionError e) {
            failure = e;
            throw new IllegalStateException(e);
        } finally {
            done.countDown();
        }
    }

    boolean isThere() {
        return there.getCount() == 0;
    }

    /** Waits until the action is over; throws what it threw. */
    void awaitDone() throws InterruptedException {
        await(done, "the lane did not come to the place");
        if (failure != null) {
            throw new AssertionError(failure);
        }
    }

    /** Waits until a side lane has offered to join. */
    void awaitOffer() throws InterruptedException {
        await(offered, "no lane offered to join");
    }

    private static void await(CountDownLatch latch, String what) throws InterruptedException {
        if (!latch.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new IllegalStateException(what + " within " + PATIENCE);
        }
    }

    @Override
    public void close() {
        Steps.observe(null);
    }
}
