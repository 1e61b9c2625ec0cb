package dev.replicator.forwarder;

import com.google.protobuf.ByteString;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Lsn;
import dev.replicator.queue.Position;
import dev.replicator.queue.wire.WirePosition;
import io.grpc.Status;
import java.nio.ByteBuffer;
import java.util.UUID;

/** Positions as they travel and as they are stored. */
final class Positions {
    private static final int EPOCH_ID_BYTES = 16;

    private Positions() {}

    static WirePosition toWire(Position position) {
        UUID id = position.epoch().id();
        ByteBuffer bytes = ByteBuffer.allocate(EPOCH_ID_BYTES)
                .putLong(id.getMostSignificantBits())
                .putLong(id.getLeastSignificantBits())
                .flip();
        return WirePosition.newBuilder()
                .setEpoch(position.epoch().number())
                .setEpochId(ByteString.copyFrom(bytes))
                .setSeq(position.seq())
                .setLsn(position.lsn())
                .build();
    }

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
        ByteBuffer id = wire.getEpochId().asReadOnlyByteBuffer();
        Epoch epoch = new Epoch(wire.getEpoch(), new UUID(id.getLong(), id.getLong()));
        return new Position(epoch, wire.getSeq(), wire.getLsn());
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
