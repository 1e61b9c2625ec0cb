package dev.replicator.slave.lane;

import dev.replicator.runtime.ReplicatorException;

/** A lane's session ends because of the forwarder or the stream; it begins again from the database after a pause. */
final class LaneEndException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String refusal;

    LaneEndException(String message, Throwable cause) {
        super(message, cause);
        this.refusal = "";
    }

    LaneEndException(ReplicatorException cause) {
        super(cause.getMessage(), cause);
        this.refusal = "";
    }

    /** @param refusal as in LaneStart: needs-resync, new-epoch, forked, not-yet */
    LaneEndException(String refusal, String detail) {
        super(detail);
        this.refusal = refusal;
    }

    String refusal() {
        return refusal;
    }
}
