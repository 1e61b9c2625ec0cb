package dev.replicator.slave.state;

import java.util.Locale;

/** Where a dump's rows go (rule R14). */
public enum RestoreMode {
    /** The table does not exist: built in schema {@code replicator}, moved to its name at hand-over. */
    CREATE,
    /** The table exists, is empty and was never in service: loaded directly, promised to readers only once in sync. */
    IN_PLACE,
    /** The table exists with rows, or was in service: loaded beside it; in the end only rows that differ are rewritten. */
    SHADOW;

    String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    static RestoreMode of(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT).replace('-', '_'));
    }
}
