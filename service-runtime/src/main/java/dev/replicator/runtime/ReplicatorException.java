package dev.replicator.runtime;

import java.util.Objects;

/**
 * An error that a person will read: what was attempted, on which object, expected and actual, and what to do.
 *
 * <p>The message never holds a secret or a row value.
 */
public class ReplicatorException extends RuntimeException {
    private final ErrorCode code;
    private final String hint;

    /**
     * @param message what was attempted, on what, and what went wrong
     * @param hint what to do about it, a sentence; empty if there is nothing to say
     */
    public ReplicatorException(ErrorCode code, String message, String hint) {
        this(code, message, hint, null);
    }

    /** As above, with the cause, which is shown only with {@code --verbose} and in the log at DEBUG. */
    public ReplicatorException(ErrorCode code, String message, String hint, Throwable cause) {
        super(Objects.requireNonNull(message), cause);
        this.code = Objects.requireNonNull(code);
        this.hint = hint == null ? "" : hint;
    }

    /** Returns the kind of failure, which decides the exit code. */
    public ErrorCode code() {
        return code;
    }

    /** Returns what to do, or an empty text. */
    public String hint() {
        return hint;
    }
}
