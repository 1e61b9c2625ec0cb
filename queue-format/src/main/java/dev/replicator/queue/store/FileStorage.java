package dev.replicator.queue.store;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** {@link Storage} on real files. */
final class FileStorage implements Storage {

    @Override
    public AppendFile create(Path file) throws IOException {
        try {
            Files.createFile(file);
            return new RealFile(file);
        } catch (IOException e) {
            throw asFull(file, 0, e);
        }
    }

    @Override
    public AppendFile open(Path file) throws IOException {
        return new RealFile(file);
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void delete(Path file) throws IOException {
        Files.deleteIfExists(file);
    }

    @Override
    public void syncDirectory(Path directory) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            boolean done = false;
            while (!done) {
                try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
                    channel.force(true);
                    done = true;
                } catch (ClosedByInterruptException e) {
                    // The call was cut short by this thread's interrupt, not by the disk.
                    interrupted |= Thread.interrupted();
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static IOException asFull(Path file, int needed, IOException failure) {
        return FullDisk.explain(file, needed, failure)
                .<IOException>map(text -> new QueueFullException(text, failure))
                .orElse(failure);
    }

    /**
     * RandomAccessFile, not FileChannel: a channel is closed by an interrupt of the writing thread, and the queue would
     * be lost to its owner for it.
     */
    private static final class RealFile implements AppendFile {
        private static final int CHUNK = 256 << 10;

        private final Path file;
        private final RandomAccessFile out;

        RealFile(Path file) throws IOException {
            this.file = file;
            this.out = new RandomAccessFile(file.toFile(), "rw");
        }

        @Override
        public void write(ByteBuffer source, long offset) throws IOException {
            try {
                out.seek(offset);
                while (source.hasRemaining()) {
                    int count = Math.min(CHUNK, source.remaining());
                    out.write(source.array(), source.arrayOffset() + source.position(), count);
                    source.position(source.position() + count);
                }
            } catch (IOException e) {
                throw asFull(file, source.remaining(), e);
            }
        }

        @Override
        public void force() throws IOException {
            out.getFD().sync();
        }

        @Override
        public void truncate(long length) throws IOException {
            out.setLength(length);
        }

        @Override
        public void close() throws IOException {
            out.close();
        }
    }
}
