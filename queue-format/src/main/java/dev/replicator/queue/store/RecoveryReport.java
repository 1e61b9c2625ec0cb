package dev.replicator.queue.store;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What opening a queue had to mend.
 *
 * @param cut what was cut behind the last complete commit group; empty after an orderly stop
 * @param indexRebuilt true when the index was made anew from the segments: cursors are then unknown (rule R16)
 * @param abandonedFiles files of unfinished large transactions that were removed
 */
public record RecoveryReport(Optional<Cut> cut, boolean indexRebuilt, int abandonedFiles) {
    /**
     * A torn end, if nobody upstream was told that it was durable; else damage (rule R16).
     *
     * @param file the segment
     * @param offset where its last complete commit group ends
     * @param bytes how much stood behind it
     */
    public record Cut(Path file, long offset, long bytes) {}

    /** 0 after an orderly stop. */
    public long tornBytes() {
        return cut.map(Cut::bytes).orElse(0L);
    }
}
