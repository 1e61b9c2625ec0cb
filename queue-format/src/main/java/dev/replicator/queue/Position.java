package dev.replicator.queue;

import java.util.Objects;

/**
 * A place in a history: "everything up to and including transaction {@code seq}". Always compared whole (rule R06): two
 * positions with one seq and different LSNs belong to forked histories.
 *
 * @param epoch the history
 * @param seq number of the last transaction contained; 0 before the first
 * @param lsn end LSN of that transaction (unsigned); for a history's base, the LSN where it begins. A heartbeat never
 *     changes it
 */
public record Position(Epoch epoch, long seq, long lsn) {

    public Position {
        Objects.requireNonNull(epoch, "epoch");
        if (seq < 0) {
            throw new IllegalArgumentException("seq " + seq + " is negative");
        }
    }

    @Override
    public String toString() {
        return "epoch " + epoch.number() + " seq " + seq + " at " + Lsn.format(lsn);
    }
}
