package dev.replicator.slave.lane;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The next batch, or the next piece of a large transaction, taken and prepared by a helper thread while the lane's thread waits
 * for the database with the one before it. It is in memory only: nothing of it is acknowledged and no position has moved, so
 * that it is dropped with the session when anything fails, and read again.
 *
 * <p>All methods belong to the lane's thread. While a batch is taken ahead the lane stands before it but the intake beyond
 * it; therefore whoever needs both at one place (docs/architecture.md, "Lanes") calls {@link #finish} first and waits for its
 * turn if there is a batch. Nobody waits for long: {@link LaneSession} takes nothing ahead while other lanes want something.
 */
final class Ahead implements AutoCloseable {
    private final ExecutorService thread;
    private Future<Taken> next;

    /**
     * A batch that was taken.
     *
     * @param prepared what could be done for it, or null
     */
    record Taken(Batch batch, PreparedBatch prepared) {}

    Ahead(String lane) {
        this.thread = Executors.newSingleThreadExecutor(work -> {
            Thread made = new Thread(work, "ahead-" + lane);
            made.setDaemon(true);
            return made;
        });
    }

    /** @param work takes the next batch and prepares it; null when there is none */
    void begin(Callable<Taken> work) {
        if (next != null) {
            throw new IllegalStateException("a batch is already taken ahead");
        }
        next = thread.submit(work);
    }

    /** Hands over the batch that was taken ahead; null when there is none. Waits while it is being prepared. */
    Taken finish() throws InterruptedException {
        if (next == null) {
            return null;
        }
        try {
            return next.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("taking a batch ahead failed: " + e.getCause(), e.getCause());
        } finally {
            next = null;
        }
    }

    /** Drops what was taken. The helper may still finish its work, which nobody will see: close the intake first. */
    @Override
    public void close() {
        thread.shutdownNow();
    }
}
