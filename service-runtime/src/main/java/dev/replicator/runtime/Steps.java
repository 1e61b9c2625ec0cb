package dev.replicator.runtime;

import java.util.Objects;

/**
 * Named points between two steps of a daemon, at which the order of events matters: after a snapshot was taken, before a
 * batch commits. Nothing listens in production. A test that proves an order of events holds a thread there, or lets it
 * fail, instead of hoping that a pause is long enough.
 *
 * <p>Names are {@code part.what-has-just-happened}, for example {@code dump.snapshot-taken}.
 */
public final class Steps {
    private static final Observer NOBODY = step -> {};
    private static volatile Observer observer = NOBODY;

    /** Told each step by the thread that reaches it; whatever it throws is what the step throws. */
    @FunctionalInterface
    public interface Observer {
        void reached(String step);
    }

    private Steps() {}

    /** Says that the calling thread has reached a step. */
    public static void reached(String step) {
        observer.reached(step);
    }

    /** Puts one observer in place of the one there is, for the whole process; null for none. */
    public static void observe(Observer next) {
        observer = Objects.requireNonNullElse(next, NOBODY);
    }
}
