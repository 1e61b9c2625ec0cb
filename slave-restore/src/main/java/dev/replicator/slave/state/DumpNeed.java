package dev.replicator.slave.state;

import java.util.Locale;

/** Whether a table asks for a dump, and for which. */
public enum DumpNeed {
    /** It has what it needs. */
    NONE,
    /** Any usable dump, cached ones included. */
    ANY,
    /** One made after the request: a cached one may hold the very error that is to be mended. */
    FRESH;

    String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    static DumpNeed of(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT));
    }
}
