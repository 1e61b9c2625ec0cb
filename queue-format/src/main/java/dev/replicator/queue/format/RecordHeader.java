package dev.replicator.queue.format;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Lsn;
import dev.replicator.queue.Position;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * Header of a record: everything one needs to route, order and check it without touching a row. Big-endian.
 *
 * <pre>
 * offset size field
 *      0    4 magic "RPTX"
 *      4    1 format version, 1
 *      5    1 kind
 *      6    2 flags
 *      8    4 header length H, CRC included
 *     12    8 total length: H + body
 *     20    4 origin: node where the transaction was first written
 *     24    4 epoch number
 *     28   16 epoch id
 *     44    8 seq
 *     52    8 end LSN (unsigned)
 *     60    8 transaction id, 64 bits (rule R13)
 *     68    8 commit time, microseconds since 1970-01-01 UTC
 *     76    8 number of changes
 *     84    2 length G of the source position text
 *     86    4 number N of tables
 *     90    G source position (UTF-8; GTID, empty for PostgreSQL)
 *   90+G 20*N tables: table id (4), changes (8), bytes of its blocks (8)
 *    H-4    4 CRC32C of bytes 0 to H-5
 * </pre>
 *
 * @param kind what the record is
 * @param flags see the {@code FLAG_} constants
 * @param origin node where the transaction was first written; 0 for the master that is captured
 * @param position epoch, seq and end LSN; a record other than a transaction carries the seq of the transaction before
 *     it, and its own LSN
 * @param transactionId full id, 0 where there is none
 * @param commitMicros commit time
 * @param changeCount row changes in the body
 * @param sourcePosition GTID text or empty
 * @param tables the table set, each table once, in order of first appearance
 */
public record RecordHeader(
        RecordKind kind,
        int flags,
        int origin,
        Position position,
        long transactionId,
        long commitMicros,
        long changeCount,
        String sourcePosition,
        List<TableShare> tables) {

    /** Blocks of tables the receiver does not carry were cut out. */
    public static final int FLAG_TRIMMED = 1;
    /** A copy of a SCHEMA record that was in force already; it changes nothing. */
    public static final int FLAG_REPEATED = 2;

    public static final int MAGIC = 0x52505458;
    public static final int VERSION = 1;
    /** Bytes one must have to learn the header's length. */
    public static final int LENGTH_PREFIX = 20;

    static final int FIXED_LENGTH = 90;
    static final int SHARE_LENGTH = 20;
    static final int MAX_LENGTH = 64 << 20;

    private static final byte[] NO_BYTES = {};

    private static volatile Epoch lastEpoch;

    public RecordHeader {
        tables = List.copyOf(tables);
    }

    public long seq() {
        return position.seq();
    }

    public long lsn() {
        return position.lsn();
    }

    public boolean isTransaction() {
        return kind == RecordKind.TRANSACTION;
    }

    public boolean hasFlag(int flag) {
        return (flags & flag) != 0;
    }

    /** Length of the encoded header in bytes, CRC included. */
    public int headerLength() {
        int text = sourcePosition.isEmpty() ? 0 : sourcePosition.getBytes(StandardCharsets.UTF_8).length;
        return FIXED_LENGTH + text + SHARE_LENGTH * tables.size() + 4;
    }

    /** Length of the body in bytes: the sum of all tables' blocks. */
    public long bodyLength() {
        long sum = 0;
        for (TableShare share : tables) {
            sum += share.blockBytes();
        }
        return sum;
    }

    public long totalLength() {
        return headerLength() + bodyLength();
    }

    /** Appends the encoded header at the buffer's position; it must have {@link #headerLength()} bytes left. */
    public void encode(ByteBuffer out) {
        int start = out.position();
        byte[] text = sourcePosition.isEmpty() ? NO_BYTES : sourcePosition.getBytes(StandardCharsets.UTF_8);
        int length = FIXED_LENGTH + text.length + SHARE_LENGTH * tables.size() + 4;
        out.putInt(MAGIC).put((byte) VERSION).put((byte) kind.code()).putShort((short) flags);
        out.putInt(length).putLong(length + bodyLength()).putInt(origin);
        Epoch epoch = position.epoch();
        out.putInt(epoch.number());
        out.putLong(epoch.id().getMostSignificantBits()).putLong(epoch.id().getLeastSignificantBits());
        out.putLong(position.seq()).putLong(position.lsn()).putLong(transactionId);
        out.putLong(commitMicros).putLong(changeCount);
        out.putShort((short) text.length).putInt(tables.size()).put(text);
        for (TableShare share : tables) {
            out.putInt(share.tableId()).putLong(share.changeCount()).putLong(share.blockBytes());
        }
        out.putInt(crc(out, start, length - 4));
    }

    /** The encoded header alone, ready to read. */
    public ByteBuffer encode() {
        ByteBuffer out = ByteBuffer.allocate(headerLength());
        encode(out);
        return out.flip();
    }

    /**
     * Reads the header's length from its first {@link #LENGTH_PREFIX} bytes; moves nothing.
     *
     * @throws CorruptRecordException when there is no header of this format version
     */
    public static int peekLength(ByteBuffer in, String source, long offset) throws CorruptRecordException {
        int at = in.position();
        if (in.getInt(at) != MAGIC) {
            throw new CorruptRecordException(
                    source,
                    offset,
                    String.format(java.util.Locale.ROOT, "no record begins here (magic 0x%08X)", in.getInt(at)));
        }
        int version = in.get(at + 4) & 0xFF;
        if (version != VERSION) {
            throw new CorruptRecordException(
                    source,
                    offset,
                    "format version " + version + ", this release reads " + VERSION
                            + "; read it with the release that wrote it");
        }
        int length = in.getInt(at + 8);
        if (length < FIXED_LENGTH + 4 || length > MAX_LENGTH) {
            throw new CorruptRecordException(source, offset, "impossible header length " + length);
        }
        return length;
    }

    /**
     * Decodes a header at the buffer's position and moves behind it. The buffer must hold it whole, see {@link
     * #peekLength}.
     *
     * @throws CorruptRecordException naming {@code source} and {@code offset} when anything is not as written
     */
    public static RecordHeader decode(ByteBuffer in, String source, long offset) throws CorruptRecordException {
        int length = peekLength(in, source, offset);
        int start = in.position();
        int expected = in.getInt(start + length - 4);
        int actual = crc(in, start, length - 4);
        if (expected != actual) {
            throw new CorruptRecordException(
                    source,
                    offset,
                    String.format(java.util.Locale.ROOT, "header checksum 0x%08X, computed 0x%08X", expected, actual));
        }
        RecordKind kind = RecordKind.ofCode(in.get(start + 5) & 0xFF);
        if (kind == null) {
            throw new CorruptRecordException(source, offset, "unknown record kind " + in.get(start + 5));
        }
        in.position(start + 20);
        int origin = in.getInt();
        int epochNumber = in.getInt();
        long epochHigh = in.getLong();
        long epochLow = in.getLong();
        long seq = in.getLong();
        if (epochNumber < 1 || seq < 0) {
            throw new CorruptRecordException(source, offset, "epoch " + epochNumber + " seq " + seq);
        }
        Position position = new Position(epoch(epochNumber, epochHigh, epochLow), seq, in.getLong());
        long transactionId = in.getLong();
        long commitMicros = in.getLong();
        long changeCount = in.getLong();
        int textLength = in.getShort() & 0xFFFF;
        int tableCount = in.getInt();
        if (tableCount < 0 || FIXED_LENGTH + textLength + (long) SHARE_LENGTH * tableCount + 4 != length) {
            throw new CorruptRecordException(source, offset, tableCount + " tables do not fit the header");
        }
        String text = textLength == 0 ? "" : text(in, textLength);
        TableShare[] tables = new TableShare[tableCount];
        long body = 0;
        for (int i = 0; i < tableCount; i++) {
            TableShare share = new TableShare(in.getInt(), in.getLong(), in.getLong());
            body += share.blockBytes();
            if (share.changeCount() < 0 || share.blockBytes() < 0 || body < 0) {
                throw new CorruptRecordException(source, offset, "impossible share " + share);
            }
            tables[i] = share;
        }
        in.position(start + length);
        RecordHeader header = new RecordHeader(
                kind,
                in.getShort(start + 6) & 0xFFFF,
                origin,
                position,
                transactionId,
                commitMicros,
                changeCount,
                text,
                List.of(tables));
        if (length + body != in.getLong(start + 12)) {
            throw new CorruptRecordException(source, offset, "total length does not fit the tables' lengths");
        }
        return header;
    }

    /** Nearly all records that are read one after the other are of one epoch: one object is enough. */
    private static Epoch epoch(int number, long high, long low) {
        Epoch epoch = lastEpoch;
        if (epoch == null
                || epoch.number() != number
                || epoch.id().getMostSignificantBits() != high
                || epoch.id().getLeastSignificantBits() != low) {
            epoch = new Epoch(number, new UUID(high, low));
            lastEpoch = epoch;
        }
        return epoch;
    }

    private static String text(ByteBuffer in, int length) {
        byte[] text = new byte[length];
        in.get(text);
        return new String(text, StandardCharsets.UTF_8);
    }

    private static int crc(ByteBuffer buffer, int start, int length) {
        CRC32C crc = new CRC32C();
        Crc.update(crc, buffer, start, start + length);
        return (int) crc.getValue();
    }

    @Override
    public String toString() {
        return kind + " seq " + seq() + " at " + Lsn.format(lsn()) + ", " + changeCount + " changes";
    }
}
