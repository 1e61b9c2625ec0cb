package dev.replicator.capture;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Which master the spool's history belongs to; part of what continuity is proved by. Kept in a small file beside the
 * spool.
 *
 * @param systemIdentifier of the database cluster
 * @param timeline on which the history was written
 * @param publicationOid of the publication the stream was made with; 0 until it is known
 * @param slotPending true from before the slot is created until the history begins: a slot found then is our own
 *     unfinished one
 */
record SourceRecord(
        @JsonProperty("systemIdentifier") String systemIdentifier,
        @JsonProperty("timeline") int timeline,
        @JsonProperty("publicationOid") long publicationOid,
        @JsonProperty("slotPending") boolean slotPending) {
    private static final ObjectMapper JSON = new ObjectMapper();

    static Optional<SourceRecord> read(Path file) throws IOException {
        return Files.exists(file)
                ? Optional.of(JSON.readValue(Files.readString(file), SourceRecord.class))
                : Optional.empty();
    }

    void write(Path file) throws IOException {
        DurableFile.replace(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(this));
    }
}
