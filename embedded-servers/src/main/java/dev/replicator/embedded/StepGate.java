package dev.replicator.embedded;

import dev.replicator.runtime.Steps;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * Stops the threads that reach a step of {@link Steps}, or lets them fail there. Gates of several steps may be open at
 * once. Closing lets everybody pass, now and later.
 */
public final class StepGate implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Map<String, StepGate> GATES = new ConcurrentHashMap<>();

    private final String step;
    private final String threads;
    private final Supplier<RuntimeException> failure;
    private final boolean firstOnly;
    private final AtomicBoolean passed = new AtomicBoolean();
    private final CountDownLatch arrived = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);

    private StepGate(String step, String threads, Supplier<RuntimeException> failure, boolean firstOnly) {
        this.step = step;
        this.threads = threads;
        this.failure = failure;
        this.firstOnly = firstOnly;
    }

    /** A gate that holds every thread reaching the step until {@link #release}. */
    public static StepGate hold(String step) {
        return hold(step, "");
    }

    /** The same for threads whose name begins so; others pass. */
    public static StepGate hold(String step, String threads) {
        return install(new StepGate(step, threads, null, false));
    }

    /** A gate that holds the first thread reaching the step until {@link #release}; others pass, such as a second daemon's. */
    public static StepGate holdFirst(String step) {
        return install(new StepGate(step, "", null, true));
    }

    /** A gate at which the step fails, each time, until it is closed. */
    public static StepGate fail(String step, Supplier<RuntimeException> failure) {
        return fail(step, "", failure);
    }

    /** The same for threads whose name begins so; others pass. */
    public static StepGate fail(String step, String threads, Supplier<RuntimeException> failure) {
        return install(new StepGate(step, threads, failure, false));
    }

    private static StepGate install(StepGate gate) {
        if (GATES.putIfAbsent(gate.step, gate) != null) {
            throw new IllegalStateException("step " + gate.step + " has a gate already");
        }
        Steps.observe(StepGate::reached);
        return gate;
    }

    private static void reached(String step) {
        StepGate gate = GATES.get(step);
        if (gate != null && Thread.currentThread().getName().startsWith(gate.threads)) {
            gate.pass();
        }
    }

    private void pass() {
        if (firstOnly && passed.getAndSet(true)) {
            return;
        }
        arrived.countDown();
        if (failure != null) {
            throw failure.get();
        }
        try {
            released.await();
        } catch (InterruptedException e) {
            // A daemon that is closed ends its threads so; the held step then ends as it would in any other wait.
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted at step " + step, e);
        }
    }

    /**
     * Waits until a thread has come to the step.
     *
     * @throws AssertionError when none comes in time
     */
    public void awaitArrival() throws InterruptedException {
        if (!arrived.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new AssertionError("nobody reached step " + step + " within " + PATIENCE);
        }
    }

    /** Whether a thread has come to the step. */
    public boolean hasArrival() {
        return arrived.getCount() == 0;
    }

    /** Lets the held threads go on, and all that come later. */
    public void release() {
        GATES.remove(step, this);
        released.countDown();
    }

    @Override
    public void close() {
        release();
    }
}
