package dev.replicator.capture;

import com.google.protobuf.ByteString;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.wire.WirePosition;
import java.nio.ByteBuffer;
import java.util.UUID;

/** Positions as they travel. */
final class WirePositions {
    private static final int EPOCH_ID_BYTES = 16;

    private WirePositions() {}

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

    /** @throws IllegalArgumentException when the message is no position */
    static Position fromWire(WirePosition wire) {
        if (wire.getEpochId().size() != EPOCH_ID_BYTES) {
            throw new IllegalArgumentException(
                    "epoch id of " + wire.getEpochId().size() + " bytes, expected 16");
        }
        ByteBuffer id = wire.getEpochId().asReadOnlyByteBuffer();
        Epoch epoch = new Epoch(wire.getEpoch(), new UUID(id.getLong(), id.getLong()));
        return new Position(epoch, wire.getSeq(), wire.getLsn());
    }
}
