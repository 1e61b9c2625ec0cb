package dev.replicator.embedded;

import io.zonky.test.db.postgres.embedded.DefaultPostgresBinaryResolver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Set;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;

/**
 * The server's programs, unpacked once per machine and version from the archive on the class path. Processes that start
 * together share the result: the first one unpacks under a file lock, beside the final place, and renames.
 */
final class PostgresBinaries {
    private PostgresBinaries() {}

    /** Directory with {@code bin}, {@code lib} and {@code share}. */
    static Path unpacked() throws IOException {
        byte[] archive;
        try (InputStream in = DefaultPostgresBinaryResolver.INSTANCE.getPgBinary(system(), architecture())) {
            archive = in.readAllBytes();
        }
        Path cache =
                Path.of(System.getProperty("java.io.tmpdir"), "replicator-embedded-" + System.getProperty("user.name"));
        Files.createDirectories(cache);
        Path home = cache.resolve("postgres-" + digest(archive));
        if (isComplete(home)) {
            return home;
        }
        // Within one JVM a second file lock on the same file is an error, so threads queue here first.
        synchronized (PostgresBinaries.class) {
            try (FileChannel channel = FileChannel.open(
                            cache.resolve("unpack.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock lock = channel.lock()) {
                if (lock.isValid() && !isComplete(home)) {
                    unpack(archive, home);
                }
            }
        }
        return home;
    }

    private static boolean isComplete(Path home) {
        return Files.isExecutable(home.resolve("bin/postgres"));
    }

    private static void unpack(byte[] archive, Path home) throws IOException {
        Path temporary = Files.createTempDirectory(home.getParent(), "unpacking-");
        try (TarArchiveInputStream tar =
                new TarArchiveInputStream(new XZCompressorInputStream(new ByteArrayInputStream(archive)))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                unpackEntry(tar, entry, temporary);
            }
        }
        // The server refuses nothing here, but a user namespace maps us to "other": all must be able to enter.
        Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rwxr-xr-x"));
        if (Files.exists(home)) {
            FileTrees.delete(home);
        }
        Files.move(temporary, home, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void unpackEntry(TarArchiveInputStream tar, TarArchiveEntry entry, Path root) throws IOException {
        Path target = root.resolve(entry.getName()).normalize();
        if (!target.startsWith(root)) {
            throw new IOException("archive entry '" + entry.getName() + "' leads out of " + root);
        }
        if (entry.isDirectory()) {
            Files.createDirectories(target);
            return;
        }
        Files.createDirectories(target.getParent());
        if (entry.isSymbolicLink()) {
            Files.createSymbolicLink(target, Path.of(entry.getLinkName()));
        } else if (entry.isLink()) {
            Files.createLink(target, root.resolve(entry.getLinkName()));
        } else {
            Files.copy(tar, target);
            Set<PosixFilePermission> permissions = (entry.getMode() & 0b001_000_000) != 0
                    ? PosixFilePermissions.fromString("rwxr-xr-x")
                    : PosixFilePermissions.fromString("rw-r--r--");
            Files.setPosixFilePermissions(target, permissions);
        }
    }

    private static String digest(byte[] archive) {
        try {
            byte[] sha = MessageDigest.getInstance("SHA-256").digest(archive);
            return HexFormat.of().formatHex(sha, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static String system() {
        String name = System.getProperty("os.name");
        if (name.startsWith("Mac")) {
            return "Darwin";
        }
        return name.startsWith("Windows") ? "Windows" : "Linux";
    }

    private static String architecture() {
        return System.getProperty("os.arch").equals("amd64") ? "x86_64" : System.getProperty("os.arch");
    }
}
