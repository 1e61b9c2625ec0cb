package dev.replicator.queue.store;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Ends a commit group. It is written only after the fsync of the group before it returned, so a valid trailer proves
 * that everything before its group was durable. Big-endian.
 *
 * <pre>
 * offset size field
 *      0    4 magic "RPGE"
 *      4    4 number of records in the group
 *      8    8 offset of the group's first byte in the file
 *     16    8 offset of this trailer in the file
 *     24    8 seq of the last transaction so far
 *     32    8 source LSN so far
 *     40    4 zero
 *     44    4 CRC32C of the segment header's checksum (4 bytes) and bytes 0 to 43
 * </pre>
 */
record GroupTrailer(int records, long groupOffset, long offset, long lastSeq, long sourceLsn) {
    static final int MAGIC = 0x52504745;
    static final int LENGTH = 48;
    private static final int CRC_OFFSET = 44;

    /** Appends the trailer at the buffer's position. */
    void encode(ByteBuffer out, int salt) {
        int start = out.position();
        out.putInt(MAGIC).putInt(records).putLong(groupOffset).putLong(offset);
        out.putLong(lastSeq).putLong(sourceLsn).putInt(0);
        out.putInt(crc(out, start, salt));
    }

    /** The trailer at the buffer's position, which is not moved; null when none of this segment and offset is there. */
    static GroupTrailer decode(ByteBuffer in, long offset, int salt) {
        int at = in.position();
        if (in.remaining() < LENGTH
                || in.getInt(at) != MAGIC
                || in.getLong(at + 16) != offset
                || in.getInt(at + CRC_OFFSET) != crc(in, at, salt)) {
            return null;
        }
        return new GroupTrailer(
                in.getInt(at + 4), in.getLong(at + 8), offset, in.getLong(at + 24), in.getLong(at + 32));
    }

    private static int crc(ByteBuffer buffer, int start, int salt) {
        CRC32C crc = new CRC32C();
        crc.update(ByteBuffer.allocate(4).putInt(0, salt));
        crc.update(buffer.duplicate().limit(start + CRC_OFFSET).position(start));
        return (int) crc.getValue();
    }
}
