package dev.replicator.forwarder;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Lsn;
import dev.replicator.queue.Position;
import dev.replicator.queue.wire.WirePosition;
import dev.replicator.queue.wire.WirePositions;
import io.grpc.Status;
import java.util.UUID;

/** Positions as a peer sent them and as they are stored. */
final class Positions {
    private static final int EPOCH_ID_BYTES = 16;

    private Positions() {}

    /**
     * Reads a position a peer sent.
     *
     * @throws io.grpc.StatusRuntimeException INVALID_ARGUMENT when it is not one
     */
    static Position fromWire(WirePosition wire) {
        if (wire.getEpochId().size() != EPOCH_ID_BYTES || wire.getEpoch() < 1 || wire.getSeq() < 0) {
            throw Status.INVALID_ARGUMENT
                    .withDescription("the position sent is not one: epoch " + wire.getEpoch() + " with an id of "
                            + wire.getEpochId().size() + " bytes (expected 16), seq " + wire.getSeq())
                    .asRuntimeException();
        }
        return WirePositions.fromWire(wire);
    }

    /** One line of text for the queue's values, for example {@code 1 0000...-... 17 0/16B3748}. */
    static String toText(Position position) {
        return position.epoch().number() + " " + position.epoch().id() + " " + position.seq() + " "
                + Lsn.format(position.lsn());
    }

    /** Reads {@link #toText}. */
    static Position fromText(String text) {
        String[] parts = text.split(" ", -1);
        return new Position(
                new Epoch(Integer.parseInt(parts[0]), UUID.fromString(parts[1])),
                Long.parseLong(parts[2]),
                Lsn.parse(parts[3]));
    }
}
