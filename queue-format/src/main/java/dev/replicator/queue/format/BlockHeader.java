package dev.replicator.queue.format;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Header of a block: consecutive changes of one table. Big-endian.
 *
 * <pre>
 * offset size field
 *      0    4 magic "RPBK"
 *      4    4 table id
 *      8    8 schema fingerprint; 0 when the payload is JSON text (records other than transactions)
 *     16    4 number of changes
 *     20    1 compression: 0 none, 1 zstd
 *     21    1 zero
 *     22    2 low 16 bits of the CRC32C of bytes 0 to 21 and 24 to 31: lengths and table are trusted before the payload is read
 *     24    4 length of the payload before compression
 *     28    4 length S of the payload as stored
 *     32    4 CRC32C of bytes 0 to 31 and the stored payload
 *     36    S payload
 * </pre>
 *
 * @param tableId the table
 * @param fingerprint names the schema together with the table id
 * @param changeCount changes in the block
 * @param compressed whether the payload is zstd
 * @param rawLength payload bytes before compression
 * @param storedLength payload bytes as stored
 * @param checksum CRC32C
 */
public record BlockHeader(
        int tableId,
        long fingerprint,
        int changeCount,
        boolean compressed,
        int rawLength,
        int storedLength,
        int checksum) {

    public static final int MAGIC = 0x5250424B;
    public static final int LENGTH = 36;
    /** Most bytes of a payload, before and after compression: one row must fit. */
    public static final int MAX_PAYLOAD = 1 << 30;

    private static final int CHECKED_LENGTH = 32;
    private static final int CHECK_OFFSET = 22;

    /** Header and payload together, in bytes. */
    public long blockLength() {
        return (long) LENGTH + storedLength;
    }

    /**
     * Writes a header in front of a payload and computes the checksum.
     *
     * @param block whole block; the payload stands from offset {@link #LENGTH} to the limit, position 0
     */
    static void seal(
            ByteBuffer block, int tableId, long fingerprint, int changeCount, boolean compressed, int rawLength) {
        block.putInt(0, MAGIC).putInt(4, tableId).putLong(8, fingerprint).putInt(16, changeCount);
        block.putInt(20, compressed ? 1 << 24 : 0);
        block.putInt(24, rawLength).putInt(28, block.limit() - LENGTH);
        block.putShort(CHECK_OFFSET, headerCheck(block, 0));
        block.putInt(CHECKED_LENGTH, checksum(block, 0, block.limit()));
    }

    /**
     * Decodes the header at the buffer's position without moving it; {@link #LENGTH} bytes must be there.
     *
     * @throws CorruptRecordException when no block begins here
     */
    public static BlockHeader peek(ByteBuffer in, String source, long offset) throws CorruptRecordException {
        int at = in.position();
        if (in.getInt(at) != MAGIC) {
            throw new CorruptRecordException(
                    source,
                    offset,
                    String.format(java.util.Locale.ROOT, "no block begins here (magic 0x%08X)", in.getInt(at)));
        }
        if (in.getShort(at + CHECK_OFFSET) != headerCheck(in, at)) {
            throw new CorruptRecordException(source, offset, "block header is damaged: its check differs");
        }
        return decode(in, source, offset);
    }

    /**
     * The same for a block that has been verified already, in memory: its check is not computed again.
     *
     * @throws CorruptRecordException when the fields contradict each other all the same
     */
    public static BlockHeader peekVerified(ByteBuffer in, String source) throws CorruptRecordException {
        return decode(in, source, in.position());
    }

    private static BlockHeader decode(ByteBuffer in, String source, long offset) throws CorruptRecordException {
        int at = in.position();
        int compression = in.get(at + 20);
        int rawLength = in.getInt(at + 24);
        int storedLength = in.getInt(at + 28);
        if (compression < 0
                || compression > 1
                || rawLength < 0
                || rawLength > MAX_PAYLOAD
                || storedLength < 0
                || storedLength > MAX_PAYLOAD
                || in.getInt(at + 16) < 0) {
            throw new CorruptRecordException(source, offset, "impossible block header");
        }
        return new BlockHeader(
                in.getInt(at + 4),
                in.getLong(at + 8),
                in.getInt(at + 16),
                compression == 1,
                rawLength,
                storedLength,
                in.getInt(at + CHECKED_LENGTH));
    }

    /**
     * Checks a whole block at the buffer's position; moves nothing.
     *
     * @throws CorruptRecordException when the checksum differs
     */
    public void verify(ByteBuffer block, String source, long offset) throws CorruptRecordException {
        int actual = checksum(block, block.position(), block.position() + LENGTH + storedLength);
        if (actual != checksum) {
            throw new CorruptRecordException(
                    source,
                    offset,
                    String.format(java.util.Locale.ROOT, "block checksum 0x%08X, computed 0x%08X", checksum, actual));
        }
    }

    private static short headerCheck(ByteBuffer block, int start) {
        CRC32C crc = new CRC32C();
        Crc.update(crc, block, start, start + CHECK_OFFSET);
        Crc.update(crc, block, start + CHECK_OFFSET + 2, start + CHECKED_LENGTH);
        return (short) crc.getValue();
    }

    private static int checksum(ByteBuffer block, int start, int end) {
        CRC32C crc = new CRC32C();
        Crc.update(crc, block, start, start + CHECKED_LENGTH);
        Crc.update(crc, block, start + LENGTH, end);
        return (int) crc.getValue();
    }
}
