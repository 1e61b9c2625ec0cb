package dev.replicator.queue.store;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Reads a file through one buffer. Sequential reading fetches ever more at a time, up to 1 MiB; bytes at or beyond the
 * caller's limit are never fetched, because a file's end may still be cut and written anew. Used by one thread.
 */
final class FileWindow implements Closeable {
    private static final int FIRST_FETCH = 64 << 10;
    private static final int MOST_FETCH = 1 << 20;

    private final Path file;
    /** A path makes its text anew each time, and each record that is read needs it in case of an error. */
    private final String name;

    private final FileChannel channel;
    private ByteBuffer buffer = ByteBuffer.allocate(FIRST_FETCH);
    private long start;
    private int length;
    private int fetch = FIRST_FETCH;

    FileWindow(Path file) throws IOException {
        this.file = file;
        this.name = file.toString();
        this.channel = FileChannel.open(file, StandardOpenOption.READ);
    }

    Path file() {
        return file;
    }

    String name() {
        return name;
    }

    long size() throws IOException {
        return channel.size();
    }

    /**
     * The file's bytes from an offset on.
     *
     * @param count bytes the caller needs
     * @param limit first byte that must not be read
     * @return this window's buffer, position at the offset's byte, at least {@code count} bytes remaining; valid until
     *     the next call
     * @throws CorruptQueueException when the limit or the file's end comes first
     */
    ByteBuffer at(long offset, int count, long limit) throws IOException {
        if (offset < start || offset + count > start + length) {
            load(offset, count, limit);
        }
        return buffer.limit(length).position((int) (offset - start));
    }

    private void load(long offset, int count, long limit) throws IOException {
        if (limit - offset < count) {
            throw new CorruptQueueException(
                    file, offset, "needs " + count + " bytes, but the written part ends at " + limit);
        }
        int kept = 0;
        if (offset >= start && offset < start + length) {
            kept = (int) (start + length - offset);
        }
        fetch = offset >= start && offset <= start + length ? Math.min(MOST_FETCH, fetch * 2) : FIRST_FETCH;
        int capacity = Math.max(fetch, count);
        ByteBuffer target = buffer;
        if (buffer.capacity() < capacity || buffer.capacity() > 4 * MOST_FETCH && capacity <= MOST_FETCH) {
            target = ByteBuffer.allocate(capacity);
        }
        if (kept > 0) {
            System.arraycopy(buffer.array(), (int) (offset - start), target.array(), 0, kept);
        }
        buffer = target;
        start = offset;
        length = kept;
        int wanted = (int) Math.min(buffer.capacity(), limit - offset);
        while (length < count) {
            int read = channel.read(buffer.limit(wanted).position(length), start + length);
            if (read < 0) {
                throw new CorruptQueueException(file, start + length, "the file ends here, expected " + limit);
            }
            length += read;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
