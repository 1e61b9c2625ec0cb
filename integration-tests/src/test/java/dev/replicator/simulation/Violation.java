package dev.replicator.simulation;

/** A history came to a state that must never be. */
public final class Violation extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Violation(String message) {
        super(message);
    }
}
