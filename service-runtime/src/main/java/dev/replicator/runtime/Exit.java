package dev.replicator.runtime;

/** The seam to the end of the process, so that tests can see an exit without dying of it. */
public interface Exit {
    /** Ends the process in order, running shutdown hooks. Does not return in the real one. */
    void exit(int code);

    /** Ends the process at once, running nothing. Does not return in the real one. */
    void halt(int code);

    /** Returns the real one. */
    static Exit process() {
        return new ProcessExit();
    }
}
