package dev.replicator.queue.store;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.zip.CRC32C;

/**
 * Last bytes of a closed segment. Big-endian.
 *
 * <pre>
 * offset size field
 *      0    4 magic: "RPQS" with every bit inverted
 *      4    4 footer length F
 *      8    8 offset of this footer in the file
 *     16    8 number of records
 *     24    8 number of transactions
 *     32    8 number of row changes
 *     40    8 seq of the last transaction; base seq when there is none
 *     48    8 end LSN of the last transaction; base LSN when there is none
 *     56    8 source LSN at the end
 *     64    8 offset of the opening schemas
 *     72    8 offset behind the opening schemas
 *     80    4 flags: 1 has control records beside heartbeats and repeated schemas
 *     84    4 number T of tables
 *     88    4 number S of SCHEMA records that are not repeated
 *     92    4 CRC32C of the file's bytes before this footer
 *     96  4*T ids of tables with changes, ascending
 * 96+4*T  8*S offsets of those SCHEMA records
 *    F-8    4 footer length F
 *    F-4    4 CRC32C of bytes 0 to F-5
 * </pre>
 */
@SuppressWarnings("ArrayRecordComponent")
record SegmentFooter(
        long offset,
        long records,
        long transactions,
        long changes,
        long lastSeq,
        long lastLsn,
        long sourceLsn,
        long openingStart,
        long openingEnd,
        int flags,
        int contentCrc,
        int[] tableIds,
        long[] schemaOffsets) {
    static final int MAGIC = ~SegmentHeader.MAGIC;
    static final int FIXED_LENGTH = 96;
    /** Last bytes of a closed file: length and checksum. */
    static final int END_LENGTH = 8;

    static final int FLAG_CONTROL_RECORDS = 1;

    int length() {
        return FIXED_LENGTH + 4 * tableIds.length + 8 * schemaOffsets.length + END_LENGTH;
    }

    /** The footer's bytes, ready to read. */
    ByteBuffer encode() {
        int length = length();
        ByteBuffer out = ByteBuffer.allocate(length);
        out.putInt(MAGIC).putInt(length).putLong(offset).putLong(records).putLong(transactions);
        out.putLong(changes).putLong(lastSeq).putLong(lastLsn).putLong(sourceLsn);
        out.putLong(openingStart).putLong(openingEnd).putInt(flags);
        out.putInt(tableIds.length).putInt(schemaOffsets.length).putInt(contentCrc);
        Arrays.stream(tableIds).forEach(out::putInt);
        Arrays.stream(schemaOffsets).forEach(out::putLong);
        out.putInt(length).putInt(crc(out.array(), length - 4));
        return out.flip();
    }

    /**
     * Decodes a whole footer.
     *
     * @param bytes from position to limit
     * @param offset where they stand in the file
     */
    static SegmentFooter decode(ByteBuffer bytes, Path file, long offset) throws CorruptQueueException {
        byte[] raw = new byte[bytes.remaining()];
        bytes.get(raw);
        ByteBuffer in = ByteBuffer.wrap(raw);
        if (raw.length < FIXED_LENGTH + END_LENGTH || in.getInt(0) != MAGIC || in.getInt(4) != raw.length) {
            throw new CorruptQueueException(file, offset, "no segment footer begins here");
        }
        int expected = in.getInt(raw.length - 4);
        int computed = crc(raw, raw.length - 4);
        if (expected != computed) {
            throw new CorruptQueueException(
                    file,
                    offset,
                    String.format(Locale.ROOT, "segment footer checksum 0x%08X, computed 0x%08X", expected, computed));
        }
        if (in.getLong(8) != offset) {
            throw new CorruptQueueException(file, offset, "footer was written for offset " + in.getLong(8));
        }
        int[] tableIds = new int[in.getInt(84)];
        long[] schemaOffsets = new long[in.getInt(88)];
        in.position(FIXED_LENGTH);
        Arrays.setAll(tableIds, i -> in.getInt());
        Arrays.setAll(schemaOffsets, i -> in.getLong());
        return new SegmentFooter(
                offset,
                in.getLong(16),
                in.getLong(24),
                in.getLong(32),
                in.getLong(40),
                in.getLong(48),
                in.getLong(56),
                in.getLong(64),
                in.getLong(72),
                in.getInt(80),
                in.getInt(92),
                tableIds,
                schemaOffsets);
    }

    private static int crc(byte[] footer, int length) {
        CRC32C crc = new CRC32C();
        crc.update(footer, 0, length);
        return (int) crc.getValue();
    }
}
