package dev.replicator.queue.store;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names of segment files: {@code segment-0000000042.queue}. They sort by order, and the suffix shows the state.
 *
 * @param open by number
 * @param closed by number
 * @param abandoned never became part of the queue
 */
record SegmentFiles(TreeMap<Long, Path> open, TreeMap<Long, Path> closed, List<Path> abandoned) {
    /** Being created; not part of the queue yet. */
    static final String NEW = "new";
    /** Written to. */
    static final String OPEN = "open";
    /** Complete, with footer. */
    static final String CLOSED = "queue";
    /** A large transaction that is not committed. */
    static final String LARGE = "large";

    private static final Pattern NAME = Pattern.compile("segment-(\\d{10,18})\\.(new|open|queue|large)");

    static Path name(Path directory, long number, String state) {
        return directory.resolve(String.format(Locale.ROOT, "segment-%010d.%s", number, state));
    }

    /** Number of a segment file. */
    static long number(Path file) {
        Matcher name = NAME.matcher(file.getFileName().toString());
        if (!name.matches()) {
            throw new IllegalArgumentException(file + " is no segment file");
        }
        return Long.parseLong(name.group(1));
    }

    static SegmentFiles list(Path directory) throws IOException {
        SegmentFiles files = new SegmentFiles(new TreeMap<>(), new TreeMap<>(), new ArrayList<>());
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory, "segment-*")) {
            for (Path file : stream) {
                Matcher name = NAME.matcher(file.getFileName().toString());
                if (name.matches()) {
                    long number = Long.parseLong(name.group(1));
                    switch (name.group(2)) {
                        case OPEN -> files.open.put(number, file);
                        case CLOSED -> files.closed.put(number, file);
                        default -> files.abandoned.add(file);
                    }
                }
            }
        }
        return files;
    }
}
