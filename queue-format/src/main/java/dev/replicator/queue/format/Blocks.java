package dev.replicator.queue.format;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import java.nio.ByteBuffer;

/** Whole blocks: sealing a payload and opening it again. */
public final class Blocks {
    /** Payloads below this stay as they are: a small transaction gains nothing and pays a compressor's set-up. */
    static final int COMPRESS_FROM_BYTES = 2048;

    private static final int ZSTD_LEVEL = 1;

    private Blocks() {}

    /**
     * Makes a block.
     *
     * @param payload array that holds the payload from offset 0
     * @param length payload bytes
     * @return the whole block, position 0
     */
    static ByteBuffer seal(int tableId, long fingerprint, int changeCount, byte[] payload, int length) {
        if (length > BlockHeader.MAX_PAYLOAD) {
            throw new IllegalArgumentException("a row of table id " + tableId + " takes " + length
                    + " bytes; a block holds " + BlockHeader.MAX_PAYLOAD);
        }
        if (length >= COMPRESS_FROM_BYTES) {
            byte[] packed = new byte[BlockHeader.LENGTH + (int) Zstd.compressBound(length)];
            long size = Zstd.compressByteArray(
                    packed, BlockHeader.LENGTH, packed.length - BlockHeader.LENGTH, payload, 0, length, ZSTD_LEVEL);
            // Worth it only when a tenth is saved; every reader pays for unpacking.
            if (!Zstd.isError(size) && size < length - length / 10) {
                ByteBuffer block = ByteBuffer.wrap(packed, 0, BlockHeader.LENGTH + (int) size);
                BlockHeader.seal(block, tableId, fingerprint, changeCount, true, length);
                return block;
            }
        }
        byte[] plain = new byte[BlockHeader.LENGTH + length];
        System.arraycopy(payload, 0, plain, BlockHeader.LENGTH, length);
        ByteBuffer block = ByteBuffer.wrap(plain);
        BlockHeader.seal(block, tableId, fingerprint, changeCount, false, length);
        return block;
    }

    /**
     * Opens a block after its checksum was verified.
     *
     * @param header its header
     * @param block whole block at the buffer's position; not moved
     * @return the uncompressed payload, with an array
     * @throws CorruptRecordException when the payload cannot be unpacked
     */
    public static ByteBuffer payload(BlockHeader header, ByteBuffer block) throws CorruptRecordException {
        int from = block.position() + BlockHeader.LENGTH;
        ByteBuffer stored =
                block.duplicate().limit(from + header.storedLength()).position(from);
        if (!header.compressed()) {
            return stored.hasArray() ? stored.slice() : copy(stored);
        }
        byte[] packed = new byte[header.storedLength()];
        stored.get(packed);
        try {
            byte[] raw = Zstd.decompress(packed, header.rawLength());
            if (raw.length != header.rawLength()) {
                throw new CorruptRecordException("block of table " + header.tableId(), 0, "unpacked length differs");
            }
            return ByteBuffer.wrap(raw);
        } catch (ZstdException e) {
            CorruptRecordException corrupt =
                    new CorruptRecordException("block of table " + header.tableId(), 0, "cannot be unpacked");
            corrupt.initCause(e);
            throw corrupt;
        }
    }

    private static ByteBuffer copy(ByteBuffer stored) {
        byte[] bytes = new byte[stored.remaining()];
        stored.get(bytes);
        return ByteBuffer.wrap(bytes);
    }
}
