package dev.replicator.queue.store;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * Everything the queue does to a disk besides reading. The one seam for tests that need a disk that fills up, fails or
 * stops at any step.
 */
interface Storage {
    /** Creates a file that must not exist, open for writing. */
    AppendFile create(Path file) throws IOException;

    /** Opens an existing file for writing. */
    AppendFile open(Path file) throws IOException;

    /** Renames atomically; durable only after {@link #syncDirectory}. */
    void rename(Path from, Path to) throws IOException;

    void delete(Path file) throws IOException;

    /** Makes creations, renames and deletions in the directory durable. */
    void syncDirectory(Path directory) throws IOException;

    /** A file being written. */
    interface AppendFile extends Closeable {
        /**
         * Writes the whole buffer, which has an array, at an offset.
         *
         * @throws QueueFullException when the disk is full; part of the buffer may have been written
         */
        void write(ByteBuffer source, long offset) throws IOException;

        /** Makes what was written durable. A failure is final: the kernel may have dropped the pages. */
        void force() throws IOException;

        void truncate(long length) throws IOException;
    }
}
