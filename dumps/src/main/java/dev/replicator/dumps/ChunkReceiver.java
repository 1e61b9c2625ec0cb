package dev.replicator.dumps;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Takes the stored bytes of one chunk as they come over the wire. Used by one thread. Closing without {@link #finish}
 * leaves no trace.
 */
public final class ChunkReceiver implements AutoCloseable {
    private final StoredDump dump;
    private final ChunkFile file;
    private final ChunkEntry entry;

    ChunkReceiver(StoredDump dump, ChunkFile file, ChunkEntry entry) {
        this.dump = dump;
        this.file = file;
        this.entry = entry;
    }

    public ChunkEntry entry() {
        return entry;
    }

    /** Adds the next bytes; the buffer is consumed. */
    public void write(ByteBuffer bytes) throws IOException {
        if (file.bytes() + bytes.remaining() > entry.storedBytes()) {
            throw new IOException("receiving chunk " + entry.number() + " of dump "
                    + dump.manifest().id() + ": more than the announced " + entry.storedBytes() + " bytes arrived");
        }
        file.write(bytes);
    }

    /**
     * Makes the chunk durable and part of the dump.
     *
     * @throws IOException when size or checksum are not the announced ones; the chunk is to be sent again
     */
    public void finish() throws IOException {
        if (file.bytes() != entry.storedBytes() || file.crc32c() != entry.crc32c()) {
            throw new IOException("receiving chunk " + entry.number() + " of dump "
                    + dump.manifest().id() + ": " + file.bytes() + " bytes with CRC-32C " + file.crc32c()
                    + " arrived, announced were " + entry.storedBytes() + " bytes with " + entry.crc32c()
                    + "; it has to be sent again");
        }
        file.publish();
        dump.add(entry);
    }

    @Override
    public void close() throws IOException {
        file.discard();
    }
}
