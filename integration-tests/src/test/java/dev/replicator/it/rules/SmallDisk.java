package dev.replicator.it.rules;

import dev.replicator.launcher.local.DaemonProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

/**
 * A daemon's directory on a disk that can be filled and emptied: a file system of its own where this user may mount one.
 * Elsewhere the daemon's process gets a limit on the size of its files, which it meets in the same calls.
 */
final class SmallDisk implements AutoCloseable {
    private static final int SIZE_MEGABYTES = 64;
    private static final long LEFT_BYTES = 768 << 10;
    private static final long FILE_LIMIT = 1536 << 10;

    private final Path directory;
    private final boolean mounted;

    private SmallDisk(Path directory, boolean mounted) {
        this.directory = directory;
        this.mounted = mounted;
    }

    /** @param directory made, and empty */
    static SmallDisk at(Path directory) throws IOException, InterruptedException {
        Files.createDirectories(directory);
        return new SmallDisk(
                directory,
                run("mount", "-t", "tmpfs", "-o", "size=" + SIZE_MEGABYTES + "m", "none", directory.toString()));
    }

    /** Leaves room for some hundred kilobytes. */
    void fill(DaemonProcess daemon) throws IOException, InterruptedException {
        if (!mounted) {
            limit(daemon, Long.toString(FILE_LIMIT));
            return;
        }
        long room = Files.getFileStore(directory).getUsableSpace() - LEFT_BYTES;
        Files.write(filler(), new byte[Math.toIntExact(room)]);
    }

    /** Makes room again. */
    void empty(DaemonProcess daemon) throws IOException, InterruptedException {
        if (mounted) {
            Files.delete(filler());
        } else if (daemon.isAlive()) {
            limit(daemon, "unlimited");
        }
    }

    private Path filler() {
        return directory.resolve("filler");
    }

    private static void limit(DaemonProcess daemon, String soft) throws IOException, InterruptedException {
        if (!run("prlimit", "--pid", Long.toString(daemon.pid()), "--fsize=" + soft + ":unlimited")) {
            throw new IOException("neither mount nor prlimit works here");
        }
    }

    private static boolean run(String... command) throws IOException, InterruptedException {
        Process process;
        try {
            process = new ProcessBuilder(Arrays.asList(command))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            return false;
        }
        return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
    }

    @Override
    public void close() throws IOException {
        try {
            // The daemon may still have files open there.
            if (mounted && !run("umount", "-l", directory.toString())) {
                throw new IOException("cannot unmount " + directory);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while unmounting " + directory, e);
        }
    }
}
