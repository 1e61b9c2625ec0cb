package dev.replicator.dumps.postgres;

import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;

/** A table of the target cannot take the master's rows; the hint holds the statement that mends it. */
public final class TargetMismatchException extends ReplicatorException {
    public TargetMismatchException(String message, String hint) {
        super(ErrorCode.CONFIGURATION, message, hint);
    }

    public TargetMismatchException(String message, String hint, Throwable cause) {
        super(ErrorCode.CONFIGURATION, message, hint, cause);
    }
}
