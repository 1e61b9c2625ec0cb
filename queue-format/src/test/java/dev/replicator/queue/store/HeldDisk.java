package dev.replicator.queue.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.Semaphore;

/** Lets each fsync wait for a permit while it is held, and takes nothing while it is full. */
final class HeldDisk implements Storage, AutoCloseable {
    private static final int ENOUGH = 1000;
    final Semaphore arrived = new Semaphore(0);
    final Semaphore released = new Semaphore(0);
    private final FileStorage real = new FileStorage();
    private volatile boolean held;
    private volatile boolean full;

    void hold() {
        held = true;
    }

    /** Nothing waits any more. */
    void letGo() {
        held = false;
        released.release(ENOUGH);
    }

    void full(boolean now) {
        full = now;
    }

    @Override
    public void close() {
        letGo();
    }

    private void sync() {
        if (held) {
            arrived.release();
            released.acquireUninterruptibly();
        }
    }

    @Override
    public AppendFile create(Path file) throws IOException {
        return new HeldFile(real.create(file));
    }

    @Override
    public AppendFile open(Path file) throws IOException {
        return new HeldFile(real.open(file));
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        real.rename(from, to);
    }

    @Override
    public void delete(Path file) throws IOException {
        real.delete(file);
    }

    @Override
    public void syncDirectory(Path synced) throws IOException {
        real.syncDirectory(synced);
    }

    private final class HeldFile implements AppendFile {
        private final AppendFile file;

        HeldFile(AppendFile file) {
            this.file = file;
        }

        @Override
        public void write(ByteBuffer source, long offset) throws IOException {
            if (full) {
                throw new QueueFullException("disk full");
            }
            file.write(source, offset);
        }

        @Override
        public void force() throws IOException {
            sync();
            file.force();
        }

        @Override
        public void truncate(long length) throws IOException {
            file.truncate(length);
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}
