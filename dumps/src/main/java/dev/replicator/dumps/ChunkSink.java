package dev.replicator.dumps;

import java.io.IOException;

/** Where rows that are read go to, chunk by chunk. Used by several threads. */
@FunctionalInterface
public interface ChunkSink {
    /**
     * Begins the next chunk.
     *
     * @param range what it holds, for people
     */
    ChunkWriter begin(String range) throws IOException;
}
