package dev.replicator.queue.store;

import dev.replicator.queue.TableSchema;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Every table schema the queue's SCHEMA records name, and from which seq on each was in force. Thread-safe. */
final class SchemaHistory {
    private record Key(int tableId, long fingerprint) {}

    private record Version(long seq, TableSchema schema) {}

    private final Map<Key, TableSchema> byFingerprint = new HashMap<>();
    private final Map<Integer, List<Version>> versions = new TreeMap<>();
    private final Map<Integer, TableSchema> inForce = new TreeMap<>();
    private final List<TableSchema> superseded = new ArrayList<>();

    /** A SCHEMA record stands behind transaction {@code seq}. */
    synchronized void add(long seq, TableSchema schema) {
        byFingerprint.put(new Key(schema.tableId(), schema.fingerprint()), schema);
        TableSchema previous = inForce.put(schema.tableId(), schema);
        if (schema.equals(previous)) {
            return;
        }
        if (previous != null) {
            superseded.add(previous);
        }
        versions.computeIfAbsent(schema.tableId(), table -> new ArrayList<>()).add(new Version(seq, schema));
    }

    /** A transaction was appended: what was superseded before it is not needed for later ones. */
    synchronized void transactionAppended() {
        superseded.clear();
    }

    /**
     * Schemas a new segment begins with. A schema replaced since the last transaction is among them, in front of its
     * successor: the next transaction may have changed the table itself and hold blocks of both.
     */
    synchronized List<TableSchema> opening() {
        List<TableSchema> schemas = new ArrayList<>(superseded);
        schemas.addAll(inForce.values());
        return schemas;
    }

    synchronized Optional<TableSchema> find(int tableId, long fingerprint) {
        return Optional.ofNullable(byFingerprint.get(new Key(tableId, fingerprint)));
    }

    synchronized Map<Integer, TableSchema> at(long seq) {
        Map<Integer, TableSchema> schemas = new TreeMap<>();
        versions.forEach((table, list) -> {
            for (int i = list.size() - 1; i >= 0; i--) {
                if (list.get(i).seq() <= seq) {
                    schemas.put(table, list.get(i).schema());
                    return;
                }
            }
        });
        return schemas;
    }

    synchronized void clear() {
        byFingerprint.clear();
        versions.clear();
        inForce.clear();
        superseded.clear();
    }
}
