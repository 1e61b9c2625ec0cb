package dev.replicator.capture;

/** What capture is doing, as {@code admin status} shows it. */
public enum CaptureState {
    /** Not connected to the master. */
    CONNECTING("connecting"),
    /** Publication and slot are being made; see who is waited for. */
    PREPARING("preparing"),
    /** Reading. */
    STREAMING("streaming"),
    /** The spool's budget or its disk is full: nothing is read, the slot holds WAL. */
    SPOOL_FULL("spool-full"),
    /** Continuity is lost or the disk failed; an operator has to act. */
    STOPPED("stopped");

    private final String text;

    CaptureState(String text) {
        this.text = text;
    }

    /** As shown. */
    public String text() {
        return text;
    }
}
