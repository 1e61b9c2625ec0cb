package dev.replicator.dumps.postgres;

import java.io.IOException;

/** Hears of progress after each chunk, from the readers' threads, one at a time. */
@FunctionalInterface
public interface ReadProgress {
    /** For those who do not want to know. */
    ReadProgress NONE = (rows, rawBytes) -> {};

    /**
     * @param rows rows of the table read so far
     * @param rawBytes their COPY text
     * @throws IOException ends the read, for example because the dump was cancelled
     */
    void read(long rows, long rawBytes) throws IOException;
}
