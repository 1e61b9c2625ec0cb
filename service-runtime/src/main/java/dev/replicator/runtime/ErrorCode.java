package dev.replicator.runtime;

/** Kinds of failure, each with the exit code of a command that ends with it. */
public enum ErrorCode {
    /** The work failed or timed out. */
    FAILED(1),
    /** The command line is wrong. */
    USAGE(2),
    /** A configuration file, a grant or a setting of a database is wrong; trying again does not help. */
    CONFIGURATION(2),
    /** Stored data is damaged. */
    DAMAGE(3),
    /** Somebody we depend on cannot be reached now; trying again may help. */
    UNAVAILABLE(1),
    /** The other side understood and said no. */
    REFUSED(1),
    /** Something asked for does not exist. */
    NOT_FOUND(1),
    /** Continuity with the history we hold cannot be proved. */
    FORKED_HISTORY(1),
    /** A disk, a budget or a queue is full. */
    FULL(1),
    /** A defect of this program. */
    INTERNAL(1);

    private final int exitCode;

    ErrorCode(int exitCode) {
        this.exitCode = exitCode;
    }

    /** Returns the exit code of a process that ends with this error: 1, 2 or 3. */
    public int exitCode() {
        return exitCode;
    }
}
