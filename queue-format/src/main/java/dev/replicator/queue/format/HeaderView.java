package dev.replicator.queue.format;

import java.nio.ByteBuffer;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * Looks at an encoded {@link RecordHeader} in place, checksum verified: most records that a reader passes concern none
 * of its tables, and for those nothing is allocated. Used by one thread.
 */
public final class HeaderView {
    private static final int KIND = 5;
    private static final int LENGTH = 8;
    private static final int TOTAL_LENGTH = 12;
    private static final int SEQ = 44;
    private static final int LSN = 52;
    private static final int TEXT_LENGTH = 84;
    private static final int TABLE_COUNT = 86;

    private final CRC32C crc = new CRC32C();
    private ByteBuffer in;
    private int start;
    private int length;
    private int shares;
    private int tableCount;

    /**
     * Looks at the header at the buffer's position, which must hold it whole; moves nothing. Valid until the buffer
     * changes.
     *
     * @param buffer with an array
     * @return false when there is no sound header: {@link RecordHeader#decode} tells why
     */
    public boolean at(ByteBuffer buffer) {
        in = buffer;
        start = buffer.position();
        length = buffer.getInt(start + LENGTH);
        crc.reset();
        crc.update(buffer.array(), buffer.arrayOffset() + start, length - 4);
        if ((int) crc.getValue() != buffer.getInt(start + length - 4)) {
            return false;
        }
        tableCount = buffer.getInt(start + TABLE_COUNT);
        int text = buffer.getShort(start + TEXT_LENGTH) & 0xFFFF;
        shares = start + RecordHeader.FIXED_LENGTH + text;
        return tableCount >= 0
                && RecordHeader.FIXED_LENGTH + text + (long) RecordHeader.SHARE_LENGTH * tableCount + 4 == length
                && totalLength() >= length;
    }

    public boolean isTransaction() {
        return (in.get(start + KIND) & 0xFF) == RecordKind.TRANSACTION.code();
    }

    public long seq() {
        return in.getLong(start + SEQ);
    }

    public long lsn() {
        return in.getLong(start + LSN);
    }

    /** Length of the encoded header in bytes, CRC included. */
    public int headerLength() {
        return length;
    }

    public long totalLength() {
        return in.getLong(start + TOTAL_LENGTH);
    }

    /** Whether the record has changes of one of the tables. */
    public boolean concernsAny(Set<Integer> tableIds) {
        if (tableIds.isEmpty()) {
            return false;
        }
        for (int i = 0; i < tableCount; i++) {
            if (tableIds.contains(in.getInt(shares + i * RecordHeader.SHARE_LENGTH))) {
                return true;
            }
        }
        return false;
    }
}
