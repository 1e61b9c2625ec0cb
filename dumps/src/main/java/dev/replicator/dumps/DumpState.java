package dev.replicator.dumps;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Where a dump stands. Only a complete one may be changed over to. */
public enum DumpState {
    /** Chunks are still being written or received. */
    @JsonProperty("running")
    RUNNING,
    /** The manifest lists every chunk. */
    @JsonProperty("complete")
    COMPLETE,
    /** It will never be complete; its chunks are gone, see {@link DumpManifest#error()}. */
    @JsonProperty("failed")
    FAILED
}
