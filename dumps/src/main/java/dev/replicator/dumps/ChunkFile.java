package dev.replicator.dumps;

import dev.replicator.queue.store.FullDisk;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;

/** A chunk's file on its way to disk: a temporary file, then fsync, then its name. Counts and sums what it is given. */
final class ChunkFile extends OutputStream {
    static final String TEMPORARY_SUFFIX = ".part";

    private static final AtomicLong UNIQUE = new AtomicLong();

    private final Path target;
    private final Path temporary;
    private final FileChannel channel;
    private final CRC32C crc = new CRC32C();
    private long bytes;
    private boolean published;

    ChunkFile(Path target) throws IOException {
        this.target = target;
        // Two connections may send one chunk at the same time: each has its own temporary file, the last one wins.
        this.temporary =
                target.resolveSibling(target.getFileName() + "." + UNIQUE.incrementAndGet() + TEMPORARY_SUFFIX);
        this.channel = FileChannel.open(
                temporary, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
    }

    @Override
    public void write(int single) throws IOException {
        write(new byte[] {(byte) single}, 0, 1);
    }

    @Override
    public void write(byte[] buffer, int offset, int length) throws IOException {
        write(ByteBuffer.wrap(buffer, offset, length));
    }

    void write(ByteBuffer buffer) throws IOException {
        bytes += buffer.remaining();
        crc.update(buffer.duplicate());
        try {
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        } catch (IOException e) {
            throw FullDisk.explain(target, buffer.remaining(), e)
                    .map(text -> new IOException(text, e))
                    .orElse(e);
        }
    }

    long bytes() {
        return bytes;
    }

    long crc32c() {
        return crc.getValue();
    }

    /** Closing the compressing stream above must not close the file: it is published afterwards. */
    void publish() throws IOException {
        channel.force(true);
        channel.close();
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        published = true;
    }

    /** The stream above closes us before {@link #publish}; only an unpublished file that is given up is removed. */
    void discard() throws IOException {
        channel.close();
        if (!published) {
            Files.deleteIfExists(temporary);
        }
    }

    @Override
    public void close() {
        // see discard
    }
}
