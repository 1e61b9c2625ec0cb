package dev.replicator.slave.state;

import java.util.Locale;

/** How far a restore is. Each step is durable before the next begins. */
public enum RestorePhase {
    /** No dump chosen yet. */
    ASKING,
    /** Chunks are being loaded. */
    LOADING,
    /** All rows, indexes and constraints are in; waits for the other tables of its group. */
    LOADED,
    /** A side lane brings the copy up to the main lane. */
    CATCHING_UP,
    /** In the main lane beside the live table, until they are compared (shadow only). */
    MIRRORED,
    /** The differing keys are listed; the next main transaction may rewrite them. */
    COMPARED;

    String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    static RestorePhase of(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT).replace('-', '_'));
    }
}
