package dev.replicator.queue.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * A disk that stops, fails or is full at the n-th operation, and then shows what a real one may show after a power
 * failure: names and bytes that were not synced may be there or not.
 */
final class FaultyStorage implements Storage {
    /** What goes wrong. */
    enum Fault {
        /** Power fails in the operation; nothing works any more. */
        CRASH,
        /** The operation, if it writes, finds the disk full half-way; the next one works. */
        FULL,
        /** The operation, if it is an fsync, fails; others work. */
        SYNC_FAILS
    }

    /** What is left of unsynced operations after a crash. */
    enum Left {
        EVERYTHING,
        NOTHING,
        HALF_OF_THE_BYTES
    }

    private final FileStorage real = new FileStorage();
    private final Fault fault;
    private final int at;
    private final Map<Path, long[]> lengths = new HashMap<>();
    private final Deque<Path[]> unsyncedNames = new ArrayDeque<>();
    private int operations;
    private boolean crashed;
    private boolean struck;

    FaultyStorage(Fault fault, int at) {
        this.fault = fault;
        this.at = at;
    }

    /** True when the fault came to pass. */
    synchronized boolean struck() {
        return struck;
    }

    private synchronized boolean strike(Fault kind) throws IOException {
        if (crashed) {
            throw new IOException("the power is off");
        }
        operations++;
        if (operations < at || struck || fault != kind && fault != Fault.CRASH) {
            return false;
        }
        struck = true;
        crashed = fault == Fault.CRASH;
        return true;
    }

    private void crashHere() throws IOException {
        if (strike(Fault.CRASH)) {
            throw new IOException("power failure");
        }
    }

    /** Makes the directory what the disk holds. */
    synchronized void settle(Left left) throws IOException {
        crashed = true;
        if (left != Left.EVERYTHING) {
            for (Map.Entry<Path, long[]> entry : lengths.entrySet()) {
                long[] length = entry.getValue();
                if (length[1] > length[0] && entry.getKey().toFile().exists()) {
                    long kept = left == Left.NOTHING ? length[0] : (length[0] + length[1]) / 2;
                    try (AppendFile file = real.open(entry.getKey())) {
                        file.truncate(kept);
                    }
                }
            }
        }
        if (left == Left.NOTHING) {
            while (!unsyncedNames.isEmpty()) {
                Path[] names = unsyncedNames.removeLast();
                if (names[1].toFile().exists()) {
                    real.rename(names[1], names[0]);
                }
            }
        }
    }

    @Override
    public AppendFile create(Path file) throws IOException {
        crashHere();
        return tracked(file, real.create(file), 0);
    }

    @Override
    public AppendFile open(Path file) throws IOException {
        crashHere();
        return tracked(file, real.open(file), file.toFile().length());
    }

    private synchronized AppendFile tracked(Path file, AppendFile opened, long length) {
        long[] known = {length, length};
        lengths.put(file, known);
        return new FaultyFile(opened, known);
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        crashHere();
        real.rename(from, to);
        synchronized (this) {
            unsyncedNames.add(new Path[] {from, to});
            long[] length = lengths.remove(from);
            if (length != null) {
                lengths.put(to, length);
            }
        }
    }

    @Override
    public void delete(Path file) throws IOException {
        crashHere();
        real.delete(file);
    }

    @Override
    public void syncDirectory(Path directory) throws IOException {
        crashHere();
        synchronized (this) {
            unsyncedNames.clear();
        }
    }

    /** Lengths: durable, written. */
    private final class FaultyFile implements AppendFile {
        private final AppendFile file;
        private final long[] lengths;

        FaultyFile(AppendFile file, long[] lengths) {
            this.file = file;
            this.lengths = lengths;
        }

        @Override
        public void write(ByteBuffer source, long offset) throws IOException {
            boolean fails = strike(Fault.FULL);
            int count = fails ? source.remaining() / 2 : source.remaining();
            ByteBuffer part = source.slice(source.position(), count);
            file.write(part, offset);
            source.position(source.position() + count);
            lengths[1] = Math.max(lengths[1], offset + count);
            if (fails) {
                throw fault == Fault.FULL ? new QueueFullException("disk full") : new IOException("power failure");
            }
        }

        @Override
        public void force() throws IOException {
            if (strike(Fault.SYNC_FAILS)) {
                throw new IOException("input/output error");
            }
            lengths[0] = lengths[1];
        }

        @Override
        public void truncate(long length) throws IOException {
            if (strike(Fault.CRASH)) {
                throw new IOException("power failure");
            }
            file.truncate(length);
            lengths[0] = Math.min(lengths[0], length);
            lengths[1] = length;
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}
