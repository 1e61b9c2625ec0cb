package dev.replicator.forwarder;

import dev.replicator.queue.Position;
import dev.replicator.queue.wire.MarkerOrder;
import dev.replicator.queue.wire.ToCapture;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Marks in the master's log (rule R15): capture commits one, and it comes back through the stream at its place. What was
 * committed before it stands before it in the queue. Thread-safe.
 */
final class Markers {
    private static final String PREFIX = "mark ";

    private final CaptureLink link;
    private final Map<String, CompletableFuture<Position>> waiting = new ConcurrentHashMap<>();

    Markers(CaptureLink link) {
        this.link = link;
    }

    /** A mark on its way. */
    record Mark(String id, CompletableFuture<Position> arrival) {}

    /** Asks capture for a mark; empty when none is connected. */
    Optional<Mark> order() {
        Mark mark = new Mark(UUID.randomUUID().toString(), new CompletableFuture<>());
        waiting.put(mark.id(), mark.arrival());
        boolean sent = link.send(ToCapture.newBuilder()
                .setMarker(MarkerOrder.newBuilder().setMarker(mark.id()))
                .build());
        if (!sent) {
            waiting.remove(mark.id());
            return Optional.empty();
        }
        return Optional.of(mark);
    }

    /** Waits for a mark to arrive; empty when time is up. */
    Optional<Position> await(Mark mark, Duration timeout) throws InterruptedException {
        try {
            return Optional.of(mark.arrival().get(Math.max(0, timeout.toMillis()), TimeUnit.MILLISECONDS));
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a mark never fails", e);
        }
    }

    void forget(Mark mark) {
        waiting.remove(mark.id());
    }

    /** A marker came by, of whatever purpose. */
    void arrived(String text, Position at) {
        String id = text.startsWith(PREFIX) ? text.substring(PREFIX.length()) : text;
        CompletableFuture<Position> arrival = waiting.remove(id);
        if (arrival != null) {
            arrival.complete(at);
        }
    }
}
