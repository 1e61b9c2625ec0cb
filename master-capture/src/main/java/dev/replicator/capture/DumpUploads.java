package dev.replicator.capture;

import dev.replicator.dumps.DumpStore;
import dev.replicator.dumps.StoredDump;
import dev.replicator.runtime.Backoff;
import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends staged dumps, each on a thread of its own, again and again until the forwarder has them; then their files are
 * removed. Any thread may call.
 */
final class DumpUploads implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DumpUploads.class);

    private final ForwarderClient client;
    private final DumpStore store;
    private final ExecutorService threads = Executors.newCachedThreadPool(work -> {
        Thread thread = new Thread(work, "dump-upload");
        thread.setDaemon(true);
        return thread;
    });
    private final Map<String, Backoff> running = new ConcurrentHashMap<>();
    private final Set<String> cancelled = ConcurrentHashMap.newKeySet();
    private final Consumer<StoredDump> sent;
    private final BiConsumer<StoredDump, String> refused;
    private volatile boolean closing;

    /**
     * @param sent is told of a dump that the forwarder has completely
     * @param refused is told dump and reason when the forwarder does not want it
     */
    DumpUploads(
            ForwarderClient client,
            DumpStore store,
            Consumer<StoredDump> sent,
            BiConsumer<StoredDump, String> refused) {
        this.sent = sent;
        this.client = client;
        this.store = store;
        this.refused = refused;
    }

    boolean isRunning(String dumpId) {
        return running.containsKey(dumpId);
    }

    /** Begins to send a dump, unless that is going on. */
    void start(StoredDump dump) {
        Backoff backoff = new Backoff(Duration.ofMillis(200), Duration.ofSeconds(10));
        if (!closing && running.putIfAbsent(dump.id(), backoff) == null) {
            cancelled.remove(dump.id());
            threads.execute(() -> send(dump, backoff));
        }
    }

    /** Gives a dump up. */
    void cancel(String dumpId) {
        cancelled.add(dumpId);
        Backoff backoff = running.get(dumpId);
        if (backoff != null) {
            backoff.cancel();
        }
    }

    private void send(StoredDump dump, Backoff backoff) {
        try {
            boolean again = true;
            while (again && !closing) {
                again = !attempt(dump) && backoff.pause();
            }
        } catch (InterruptedException e) {
            LOG.debug("Upload of dump {} was interrupted", dump.id());
        } finally {
            running.remove(dump.id());
        }
    }

    /** True when there is nothing more to do for this dump. */
    private boolean attempt(StoredDump dump) throws InterruptedException {
        if (cancelled.contains(dump.id())) {
            remove(dump);
            return true;
        }
        try {
            new DumpUpload(dump).run(client);
            remove(dump);
            sent.accept(dump);
            return true;
        } catch (IOException | RuntimeException e) {
            if (isRefusal(e)) {
                refused.accept(dump, e.getMessage());
                remove(dump);
                return true;
            }
            LOG.info("Dump {} could not be sent: {}; trying again", dump, e.getMessage());
            return false;
        }
    }

    private static boolean isRefusal(Exception e) {
        Status.Code code = Status.fromThrowable(e).getCode();
        return code == Status.Code.FAILED_PRECONDITION
                || code == Status.Code.INVALID_ARGUMENT
                || code == Status.Code.NOT_FOUND;
    }

    private void remove(StoredDump dump) {
        try {
            store.delete(dump.id());
        } catch (IOException e) {
            LOG.warn("Files of dump {} could not be removed: {}", dump, e.getMessage());
        }
    }

    @Override
    public void close() {
        closing = true;
        running.values().forEach(Backoff::cancel);
        threads.shutdownNow();
    }
}
