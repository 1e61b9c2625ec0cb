package dev.replicator.launcher.local;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Waits until {@code admin status} shows what is expected. */
public final class StatusWait {
    private static final long PAUSE_NANOS = 100_000_000L;

    private final LocalCluster cluster;
    private final Duration limit;

    /**
     * @param cluster whose status
     * @param limit after which waiting fails
     */
    public StatusWait(LocalCluster cluster, Duration limit) {
        this.cluster = cluster;
        this.limit = limit;
    }

    /** A condition on the status document; it may throw while the forwarder is not up yet. */
    @FunctionalInterface
    public interface Condition {
        boolean holds(JsonNode status) throws IOException;
    }

    /** Called with each status that was looked at, for progress display. */
    @FunctionalInterface
    public interface Observer {
        void seen(JsonNode status);
    }

    /**
     * Waits for the condition.
     *
     * @throws IllegalStateException with the last status when time is up
     */
    public JsonNode until(String what, Condition condition) {
        return until(what, condition, status -> {});
    }

    /** The same, telling an observer. */
    public JsonNode until(String what, Condition condition, Observer observer) {
        long deadline = System.nanoTime() + limit.toNanos();
        Object last = "no status yet";
        do {
            try {
                JsonNode status = cluster.status();
                last = status;
                observer.seen(status);
                if (condition.holds(status)) {
                    return status;
                }
            } catch (IOException | IllegalStateException e) {
                last = e.getMessage();
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        } while (System.nanoTime() < deadline);
        throw new IllegalStateException("waited " + limit.toSeconds() + " s for: " + what + "; last seen: " + last);
    }

    /** Waits until a slave carries exactly that many tables, all of them in sync. */
    public JsonNode inSync(String slave, int tables) {
        return until(slave + " in sync with " + tables + " tables", status -> isInSync(slaveOf(status, slave), tables));
    }

    /** The slave's object in a status document, or a missing node. */
    public static JsonNode slaveOf(JsonNode status, String name) {
        for (JsonNode slave : status.path("slaves")) {
            if (slave.path("name").asText().equals(name)) {
                return slave;
            }
        }
        return com.fasterxml.jackson.databind.node.MissingNode.getInstance();
    }

    /** Whether the slave is connected and all its tables, as many as given, are in sync. */
    public static boolean isInSync(JsonNode slave, int tables) {
        if (!slave.path("connected").asBoolean() || slave.path("tables").size() != tables) {
            return false;
        }
        for (JsonNode table : slave.path("tables")) {
            if (!table.path("state").asText().equals("in-sync")) {
                return false;
            }
        }
        return slave.path("state").asText().equals("in-sync");
    }
}
