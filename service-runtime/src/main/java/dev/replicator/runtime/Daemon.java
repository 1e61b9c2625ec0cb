package dev.replicator.runtime;

/**
 * A long-running service. Single use: created, started, ended.
 *
 * <p>A daemon outlives the loss of its database and of its peers; it ends by itself only for something that it cannot mend.
 */
public interface Daemon extends AutoCloseable {
    /**
     * Takes locks and ports and starts the threads; returns when the daemon is ready for work. Does not wait for a database or
     * a peer to be there. If it throws, {@link #close} is called.
     */
    void start() throws Exception;

    /** Reads table sets again. If it throws, the daemon goes on as it was. Called on a thread of its own. */
    void reload() throws Exception;

    /** Waits until the daemon has ended. Throws the reason if it failed. */
    void awaitEnd() throws Exception;

    /** Ends in order within 20 seconds. Legal in every state, and twice. */
    @Override
    void close();
}
