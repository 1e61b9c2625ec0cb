package dev.replicator.runtime.cli;

/** Values of {@code --output}. */
public enum OutputFormat {
    /** For people. */
    TEXT,
    /** For programs. */
    JSON
}
