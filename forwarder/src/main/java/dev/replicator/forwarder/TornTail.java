package dev.replicator.forwarder;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.queue.Position;
import dev.replicator.queue.store.CorruptQueueException;
import dev.replicator.queue.store.KeyValueStore;
import dev.replicator.queue.store.RecoveryReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers that the queue's end was cut until capture's first record tells whether what is missing had been
 * acknowledged (rule R16). Kept on disk: starting again must not make damage look like a forwarder that was away.
 */
final class TornTail {
    private static final Logger LOG = LoggerFactory.getLogger(TornTail.class);
    private static final String KEY = "torn-tail";

    private final KeyValueStore values;

    TornTail(KeyValueStore values) {
        this.values = values;
    }

    void note(RecoveryReport.Cut cut) throws IOException {
        LOG.atWarn()
                .addKeyValue("file", cut.file())
                .addKeyValue("offset", cut.offset())
                .addKeyValue("bytes", cut.bytes())
                .log("Cut the queue's torn tail: a commit group that was not completed");
        if (values.get(KEY).isEmpty()) {
            values.put(
                    KEY,
                    Json.object()
                            .put("file", cut.file().toString())
                            .put("offset", cut.offset())
                            .put("bytes", cut.bytes())
                            .toString());
        }
    }

    /** Capture holds what follows our tail: nothing that it had been told was durable is missing. */
    void forget() throws IOException {
        if (values.get(KEY).isPresent()) {
            values.delete(KEY);
        }
    }

    /**
     * Capture no longer holds what follows our tail.
     *
     * @throws CorruptQueueException if our end was cut: then what we had acknowledged was in it
     */
    void requireNone(Position first) throws IOException {
        Optional<String> noted = values.get(KEY);
        if (noted.isEmpty()) {
            return;
        }
        JsonNode cut = Json.read(noted.get(), "noted cut of the queue");
        throw new CorruptQueueException(
                Path.of(cut.path("file").asText()),
                cut.path("offset").asLong(),
                cut.path("bytes").asLong()
                        + " bytes behind this had to be cut, but capture was told that everything up to seq "
                        + first.seq() + " is durable here: the disk lost it");
    }
}
