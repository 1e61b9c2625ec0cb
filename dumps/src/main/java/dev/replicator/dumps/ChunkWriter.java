package dev.replicator.dumps;

import com.github.luben.zstd.ZstdOutputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** Compresses rows into one chunk. Used by one thread. Closing without {@link #finish} leaves no trace. */
public final class ChunkWriter implements AutoCloseable {
    private static final int GATHERED_BYTES = 1 << 16;

    private final StoredDump dump;
    private final ChunkFile file;
    private final OutputStream compressed;
    private final String range;
    private final int number;
    private long rows;
    private long rawBytes;

    ChunkWriter(StoredDump dump, ChunkFile file, int number, String range, int level) throws IOException {
        this.dump = dump;
        this.file = file;
        this.number = number;
        this.range = range;
        // Gathered, because each call of the compressor costs more than a row.
        this.compressed = new BufferedOutputStream(new ZstdOutputStream(file, level), GATHERED_BYTES);
    }

    /** Adds one row of COPY text, line end included. */
    public void writeRow(byte[] row) throws IOException {
        compressed.write(row, 0, row.length);
        rows++;
        rawBytes += row.length;
    }

    public long rows() {
        return rows;
    }

    /** COPY text so far. */
    public long rawBytes() {
        return rawBytes;
    }

    /** Makes the chunk durable and part of the dump. */
    public ChunkEntry finish() throws IOException {
        compressed.close();
        ChunkEntry entry = new ChunkEntry(number, rows, rawBytes, file.bytes(), file.crc32c(), range);
        file.publish();
        dump.add(entry);
        return entry;
    }

    @Override
    public void close() throws IOException {
        try {
            compressed.close();
        } finally {
            file.discard();
        }
    }
}
