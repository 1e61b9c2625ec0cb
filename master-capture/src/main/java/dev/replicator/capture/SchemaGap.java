package dev.replicator.capture;

import dev.replicator.queue.TableSchema;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Schemas in force here that the forwarder does not know, or knows only of an earlier incarnation. */
final class SchemaGap {
    private SchemaGap() {}

    static List<TableSchema> between(Map<Integer, TableSchema> ours, List<TableSchema> theirs) {
        Map<Integer, Integer> known = new HashMap<>();
        theirs.forEach(schema -> known.merge(schema.tableId(), schema.incarnation(), Math::max));
        return ours.values().stream()
                .filter(schema -> known.getOrDefault(schema.tableId(), 0) < schema.incarnation())
                .toList();
    }
}
