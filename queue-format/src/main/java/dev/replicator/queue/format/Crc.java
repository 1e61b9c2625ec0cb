package dev.replicator.queue.format;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** CRC32C over ranges of a buffer, whatever its position is. */
final class Crc {
    private Crc() {}

    /**
     * Adds the bytes of a range, from an absolute index to another one. Headers are short and many: an accessible array is
     * read as it is, without a second buffer.
     */
    static void update(CRC32C crc, ByteBuffer buffer, int from, int to) {
        if (buffer.hasArray()) {
            crc.update(buffer.array(), buffer.arrayOffset() + from, to - from);
        } else {
            crc.update(buffer.duplicate().limit(to).position(from));
        }
    }
}
