package dev.replicator.queue.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Copies of queue directories, as a crash would leave them or a disk would damage them. */
final class Directories {
    private Directories() {}

    /** Copies the segment files alone. */
    static Path copySegments(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        for (Path file : segments(from)) {
            Files.copy(file, to.resolve(file.getFileName()));
        }
        return to;
    }

    static List<Path> segments(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.getFileName().toString().startsWith("segment-"))
                    .sorted()
                    .toList();
        }
    }

    static Path only(Path directory, String suffix) throws IOException {
        List<Path> found = segments(directory).stream()
                .filter(file -> file.toString().endsWith(suffix))
                .toList();
        if (found.size() != 1) {
            throw new IllegalStateException(found + " are not one file *" + suffix);
        }
        return found.get(0);
    }

    static void deleteTree(Path directory) throws IOException {
        QueueIndex.destroy(directory);
    }
}
