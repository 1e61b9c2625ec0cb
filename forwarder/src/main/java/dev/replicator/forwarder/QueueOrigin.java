package dev.replicator.forwarder;

import dev.replicator.queue.Position;
import dev.replicator.queue.store.ReplicationQueue;
import java.io.IOException;
import java.util.Optional;

/** Where a queue without a history, or one that was given up, began to be filled. Kept in the queue's values. */
final class QueueOrigin {
    private static final String NAME = "began-at";

    private QueueOrigin() {}

    static void note(ReplicationQueue queue, Position base) throws IOException {
        queue.values().put(NAME, Positions.toText(base));
    }

    /** Control records that stood behind this very transaction may be missing; those behind later ones are here. */
    static boolean isAt(ReplicationQueue queue, Position position) throws IOException {
        Optional<String> noted = queue.values().get(NAME);
        return noted.isPresent()
                && Positions.fromText(noted.get()).seq() == position.seq()
                && Positions.fromText(noted.get()).epoch().equals(position.epoch());
    }
}
