package dev.replicator.it.packaging;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.ar.ArArchiveEntry;
import org.apache.commons.compress.archivers.ar.ArArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/** The packages of this build and what is in them. */
final class Packages {
    private static final Path TARGET = Path.of(System.getProperty("packaging.target"));

    private Packages() {}

    /** A file of a package. */
    record Entry(boolean executable, long bytes) {}

    static Path archive() throws IOException {
        return only("replicator-*.tar.gz");
    }

    static Path deb() throws IOException {
        return only("replicator_*.deb");
    }

    /** Files by their path from the root of the file system, without directories. */
    static Map<String, Entry> filesOfArchive() throws IOException {
        try (InputStream in = Files.newInputStream(archive())) {
            return files(in, path -> path.substring(path.indexOf('/') + 1));
        }
    }

    /** Likewise. */
    static Map<String, Entry> filesOfDeb() throws IOException {
        return files(new ByteArrayInputStream(member("data.tar.gz")), path -> path.replaceFirst("^\\./", ""));
    }

    /** Files of the control archive with their text. */
    static Map<String, String> controlOfDeb() throws IOException {
        Map<String, String> texts = new TreeMap<>();
        try (TarArchiveInputStream tar =
                new TarArchiveInputStream(new GZIPInputStream(new ByteArrayInputStream(member("control.tar.gz"))))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                texts.put(
                        entry.getName().replaceFirst("^\\./", ""),
                        new String(tar.readAllBytes(), StandardCharsets.UTF_8));
            }
        }
        return texts;
    }

    private static Map<String, Entry> files(InputStream in, java.util.function.UnaryOperator<String> name)
            throws IOException {
        Map<String, Entry> files = new TreeMap<>();
        try (TarArchiveInputStream tar = new TarArchiveInputStream(new GZIPInputStream(in))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                if (!entry.isDirectory()) {
                    files.put(name.apply(entry.getName()), new Entry((entry.getMode() & 0100) != 0, entry.getSize()));
                }
            }
        }
        return files;
    }

    private static byte[] member(String name) throws IOException {
        try (ArArchiveInputStream ar = new ArArchiveInputStream(Files.newInputStream(deb()))) {
            for (ArArchiveEntry entry = ar.getNextEntry(); entry != null; entry = ar.getNextEntry()) {
                if (entry.getName().equals(name)) {
                    return ar.readAllBytes();
                }
            }
        }
        throw new IOException(deb() + " has no " + name);
    }

    private static Path only(String glob) throws IOException {
        try (Stream<Path> found = Files.list(TARGET)) {
            return found.filter(path ->
                            path.getFileSystem().getPathMatcher("glob:" + glob).matches(path.getFileName()))
                    .reduce((one, other) -> {
                        throw new IllegalStateException("Both " + one + " and " + other + "; run mvn clean");
                    })
                    .orElseThrow(
                            () -> new IOException("No " + glob + " in " + TARGET + "; build the module packaging"));
        }
    }
}
