package dev.replicator.queue.store;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;

/** Small named values kept in the queue's index. Thread-safe. A rebuilt index comes back empty. */
public interface KeyValueStore {
    Optional<String> get(String key) throws IOException;

    /** Stores durably. */
    void put(String key, String value) throws IOException;

    void delete(String key) throws IOException;

    /** All entries whose key begins with the prefix, by key. */
    Map<String, String> list(String prefix) throws IOException;
}
