package dev.replicator.queue.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Tells a full disk from a broken one, and says so for operators: what, where, how much is free, what to do. */
public final class FullDisk {
    /** No space, over quota, over a process's file size limit. */
    private static final List<String> FULL = List.of("No space left on device", "quota exceeded", "File too large");

    private FullDisk() {}

    /**
     * Java hides errno. The file system is asked first; the text stands in for quotas and limits, which it does not show.
     *
     * @param needed bytes that were to be written
     * @return what to tell; empty when the disk is not full
     */
    public static Optional<String> explain(Path file, int needed, IOException failure) {
        String free = "";
        boolean full = false;
        try {
            long usable = Files.getFileStore(file.toAbsolutePath().getParent()).getUsableSpace();
            full = usable < needed + 4096L;
            free = "; " + usable + " bytes are free there";
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
        String text = String.valueOf(failure.getMessage());
        return full || FULL.stream().anyMatch(text::contains)
                ? Optional.of("disk full: cannot write " + file + " (" + text + free
                        + "); make room, then writing goes on by itself")
                : Optional.empty();
    }
}
