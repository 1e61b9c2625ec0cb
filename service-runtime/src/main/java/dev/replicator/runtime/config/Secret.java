package dev.replicator.runtime.config;

import java.util.Objects;

/** A password or token. Its text form hides it. */
public record Secret(String value) {
    /** Refuses null. */
    public Secret {
        Objects.requireNonNull(value);
    }

    @Override
    public String toString() {
        return "***";
    }
}
