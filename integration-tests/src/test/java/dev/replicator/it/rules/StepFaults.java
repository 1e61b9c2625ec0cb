package dev.replicator.it.rules;

import dev.replicator.runtime.Steps;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;

/**
 * Lets every one of some steps fail, once to three times in a row, some of the arrivals before passing. Every second
 * failure is a crash: from then on every step fails, so that nothing is written any more, until {@link #restarted}.
 */
final class StepFaults implements Steps.Observer, AutoCloseable {
    private final Random random;
    private final Map<String, Fault> faults = new LinkedHashMap<>();
    private final TreeSet<String> failed = new TreeSet<>();
    private boolean crashed;
    private boolean over;

    /** A step's failure: after so many arrivals, so many times. */
    private static final class Fault {
        private int passes;
        private int times;
        private final boolean crash;

        Fault(int passes, int times, boolean crash) {
            this.passes = passes;
            this.times = times;
            this.crash = crash;
        }
    }

    StepFaults(long seed, List<String> steps) {
        random = new Random(seed);
        List<String> order = new ArrayList<>(steps);
        Collections.shuffle(order, random);
        for (String step : order) {
            boolean crash = random.nextBoolean();
            int times = crash || random.nextBoolean() ? 1 : 3;
            faults.put(step, new Fault(random.nextInt(3), times, crash));
        }
        Steps.observe(this);
    }

    @Override
    public synchronized void reached(String step) {
        if (over || !faults.containsKey(step)) {
            return;
        }
        if (crashed) {
            throw new IllegalStateException("the daemon has crashed");
        }
        Fault fault = faults.get(step);
        if (fault.times == 0 || fault.passes-- > 0) {
            return;
        }
        fault.times--;
        failed.add(step);
        crashed = fault.crash;
        throw new IllegalStateException("a failure made by the test at " + step);
    }

    synchronized boolean isCrashed() {
        return crashed;
    }

    /** The daemon was ended and is about to begin again. */
    synchronized void restarted() {
        crashed = false;
    }

    /** Steps that have not failed yet. */
    synchronized TreeSet<String> left() {
        TreeSet<String> left = new TreeSet<>(faults.keySet());
        left.removeAll(failed);
        return left;
    }

    @Override
    public synchronized void close() {
        over = true;
        Steps.observe(null);
    }
}
