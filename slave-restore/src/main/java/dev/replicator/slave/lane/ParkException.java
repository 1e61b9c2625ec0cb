package dev.replicator.slave.lane;

import dev.replicator.slave.postgres.Conflict;

/** A relation cannot go on beyond a transaction (rule R23). */
final class ParkException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient Replica replica;
    private final long seq;
    private final String hint;
    private final transient Conflict conflict;

    /**
     * @param seq the transaction that failed
     * @param conflict what did not fit; null when the table itself is wrong
     */
    ParkException(Replica replica, long seq, String reason, String hint, Conflict conflict, Throwable cause) {
        super(reason, cause);
        this.replica = replica;
        this.seq = seq;
        this.hint = hint;
        this.conflict = conflict;
    }

    Replica replica() {
        return replica;
    }

    long seq() {
        return seq;
    }

    String hint() {
        return hint;
    }

    Conflict conflict() {
        return conflict;
    }
}
