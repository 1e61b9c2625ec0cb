package dev.replicator.queue.wire;

import com.google.protobuf.ByteString;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import java.nio.ByteBuffer;
import java.util.UUID;

/** Positions as they travel, for all daemons alike. */
public final class WirePositions {
    private static final int EPOCH_ID_BYTES = 16;

    private WirePositions() {}

    public static WirePosition toWire(Position position) {
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
     * Reads a position.
     *
     * @throws IllegalArgumentException when its epoch id is not 16 bytes, or epoch or seq are out of range
     */
    public static Position fromWire(WirePosition wire) {
        ByteBuffer id = wire.getEpochId().asReadOnlyByteBuffer();
        if (id.remaining() != EPOCH_ID_BYTES) {
            throw new IllegalArgumentException("an epoch id has 16 bytes, got " + id.remaining());
        }
        Epoch epoch = new Epoch(wire.getEpoch(), new UUID(id.getLong(), id.getLong()));
        return new Position(epoch, wire.getSeq(), wire.getLsn());
    }
}
