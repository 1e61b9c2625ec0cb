package dev.replicator.queue.store;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * First bytes of every segment. Big-endian.
 *
 * <pre>
 * offset size field
 *      0    4 magic "RPQS"
 *      4   12 format name "repl-queue", zero-padded
 *     16    2 format version, 1
 *     18    2 flags: 1 large transaction, 2 reset
 *     20    4 header length, 128
 *     24    8 segment number
 *     32   16 queue id
 *     48    4 epoch number
 *     52   16 epoch id
 *     68    8 base seq
 *     76    8 base LSN
 *     84    8 source LSN
 *     92    8 created at, milliseconds since 1970-01-01 UTC
 *    100   24 zero
 *    124    4 CRC32C of bytes 0 to 123
 * </pre>
 *
 * @param number counts up by 1 from segment to segment
 * @param flags see the {@code FLAG_} constants
 * @param queueId random, one per queue directory
 * @param base position before the first transaction of the segment
 * @param sourceLsn how far the source was known when the segment began; above base.lsn() after heartbeats
 * @param createdMillis wall clock
 */
record SegmentHeader(long number, int flags, UUID queueId, Position base, long sourceLsn, long createdMillis) {
    static final int MAGIC = 0x52505153;
    static final int VERSION = 1;
    static final int LENGTH = 128;
    static final String FORMAT_NAME = "repl-queue";
    /** One large transaction: body first, then schemas and header. */
    static final int FLAG_LARGE = 1;
    /** Everything before this segment was given up. */
    static final int FLAG_RESET = 2;

    private static final int CRC_OFFSET = 124;

    boolean isLarge() {
        return (flags & FLAG_LARGE) != 0;
    }

    boolean isReset() {
        return (flags & FLAG_RESET) != 0;
    }

    /** The header's bytes, ready to read. */
    ByteBuffer encode() {
        ByteBuffer out = ByteBuffer.allocate(LENGTH);
        out.putInt(MAGIC).put(FORMAT_NAME.getBytes(StandardCharsets.US_ASCII));
        out.position(16).putShort((short) VERSION).putShort((short) flags).putInt(LENGTH);
        out.putLong(number).putLong(queueId.getMostSignificantBits()).putLong(queueId.getLeastSignificantBits());
        Epoch epoch = base.epoch();
        out.putInt(epoch.number());
        out.putLong(epoch.id().getMostSignificantBits()).putLong(epoch.id().getLeastSignificantBits());
        out.putLong(base.seq()).putLong(base.lsn()).putLong(sourceLsn).putLong(createdMillis);
        out.putInt(CRC_OFFSET, crc(out.array()));
        return out.clear();
    }

    /** Ties group trailers to this segment: the header's checksum. */
    int salt() {
        return encode().getInt(CRC_OFFSET);
    }

    /**
     * Decodes {@link #LENGTH} bytes.
     *
     * @throws CorruptQueueException when they are no header of this format version
     */
    static SegmentHeader decode(ByteBuffer bytes, Path file) throws CorruptQueueException {
        byte[] raw = new byte[LENGTH];
        bytes.get(raw);
        ByteBuffer in = ByteBuffer.wrap(raw);
        if (in.getInt(0) != MAGIC) {
            throw new CorruptQueueException(file, 0, "not a queue segment");
        }
        int version = in.getShort(16) & 0xFFFF;
        if (version != VERSION) {
            throw new CorruptQueueException(
                    file,
                    16,
                    "queue format version " + version + ", this release reads " + VERSION
                            + "; if no other release wrote it, the header is damaged");
        }
        int computed = crc(raw);
        if (computed != in.getInt(CRC_OFFSET)) {
            throw new CorruptQueueException(
                    file,
                    0,
                    String.format(
                            Locale.ROOT,
                            "segment header checksum 0x%08X, computed 0x%08X",
                            in.getInt(CRC_OFFSET),
                            computed));
        }
        Epoch epoch = new Epoch(in.getInt(48), new UUID(in.getLong(52), in.getLong(60)));
        return new SegmentHeader(
                in.getLong(24),
                in.getShort(18) & 0xFFFF,
                new UUID(in.getLong(32), in.getLong(40)),
                new Position(epoch, in.getLong(68), in.getLong(76)),
                in.getLong(84),
                in.getLong(92));
    }

    private static int crc(byte[] header) {
        CRC32C crc = new CRC32C();
        crc.update(header, 0, CRC_OFFSET);
        return (int) crc.getValue();
    }
}
