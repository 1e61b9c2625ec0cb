package dev.replicator.queue.store;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Keeps a second process out of a directory. The lock ends with the process; the file stays and names the holder. */
final class DirectoryLock implements Closeable {
    private static final String FILE = "lock";

    private final FileChannel channel;

    private DirectoryLock(FileChannel channel) {
        this.channel = channel;
    }

    static DirectoryLock acquire(Path directory) throws IOException {
        Path file = directory.resolve(FILE);
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException ours) {
            // This process holds it. Closing any channel on the file would give that lock up (fcntl(2)), so this one
            // stays open until the process ends.
            throw refused(directory, String.valueOf(ProcessHandle.current().pid()), ours);
        }
        if (lock == null) {
            String holder = Files.readString(file, StandardCharsets.US_ASCII).strip();
            channel.close();
            throw refused(directory, holder, null);
        }
        String pid = ProcessHandle.current().pid() + "\n";
        channel.truncate(0).write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.US_ASCII)), 0);
        return new DirectoryLock(channel);
    }

    private static QueueLockedException refused(Path directory, String holder, Throwable cause) {
        return new QueueLockedException(
                "queue " + directory + " is in use by process " + holder + "; stop it first, or use another directory",
                cause);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
