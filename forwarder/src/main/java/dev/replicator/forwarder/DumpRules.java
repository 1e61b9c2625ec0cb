package dev.replicator.forwarder;

import dev.replicator.dumps.DumpManifest;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.queue.store.SegmentSummary;
import java.util.List;
import java.util.Map;

/** Whether a dump can meet the stream, and whether it should. Thread-safe: holds no state. */
final class DumpRules {
    /** Replaying so much is always cheaper than troubling the master. */
    private static final long REPLAY_FREE_BYTES = 256L << 20;

    /** Replaying moves change by change what a dump moves in bulk. */
    private static final int REPLAY_FACTOR = 8;

    private final ReplicationQueue queue;

    DumpRules(ReplicationQueue queue) {
        this.queue = queue;
    }

    /** Why the dump is worthless (rules R02, R07, R08), or null. */
    String obstacle(DumpManifest manifest) {
        String history = historyObstacle(manifest);
        if (history != null) {
            return history;
        }
        TableSchema current = inForce(manifest);
        return current == null ? null : changed(manifest, current);
    }

    /**
     * As {@link #obstacle}, for a dump that begins to arrive: the SCHEMA record of a column change it has seen may still be
     * on its way.
     */
    String earlyObstacle(DumpManifest manifest) {
        String history = historyObstacle(manifest);
        TableSchema current = history == null ? inForce(manifest) : null;
        boolean older = current != null
                && current.tableId() == manifest.tableId()
                && current.incarnation() > manifest.incarnation();
        return older ? changed(manifest, current) : history;
    }

    private String historyObstacle(DumpManifest manifest) {
        if (!queue.hasHistory() || !manifest.epoch().equals(queue.epoch())) {
            return "it belongs to epoch " + manifest.epoch().number() + ", which has ended";
        }
        if (manifest.boundary().baseSeq() + 1 < queue.firstSeq()) {
            return "the queue begins at " + queue.firstSeq() + ", the dump needs everything after "
                    + manifest.boundary().baseSeq();
        }
        return null;
    }

    private TableSchema inForce(DumpManifest manifest) {
        Map<Integer, TableSchema> inForce = queue.schemasAt(queue.durableTail().seq());
        TableSchema current = inForce.get(manifest.tableId());
        if (current == null) {
            // The table was dropped and made anew, or no change of it was ever captured.
            current = inForce.values().stream()
                    .filter(schema -> schema.name().equals(manifest.table()))
                    .findFirst()
                    .orElse(null);
        }
        return current;
    }

    /** Why a dump does not fit the table's definition in force, or null. */
    static String changed(DumpManifest manifest, TableSchema current) {
        if (current.tableId() != manifest.tableId()) {
            return current.incarnation() >= manifest.incarnation() ? "the table was made anew" : null;
        }
        if (!current.name().equals(manifest.table())) {
            return "the table is now named " + current.name();
        }
        if (current.incarnation() > manifest.incarnation()) {
            return "incarnation " + current.incarnation() + " of the table began";
        }
        boolean sameIncarnation = current.incarnation() == manifest.incarnation();
        boolean otherColumns = !columns(current).equals(columns(manifest.schema()))
                || current.catalog().differsFrom(manifest.schema().catalog());
        return sameIncarnation && otherColumns ? "the table's columns changed" : null;
    }

    /** Whether replaying the table's changes since the dump costs less than a new dump. */
    boolean isCheaperThanNew(DumpManifest manifest) {
        long baseSeq = manifest.boundary().baseSeq();
        if (queue.nothingFor(List.of(manifest.tableId()), baseSeq)) {
            return true;
        }
        long replay = 0;
        for (SegmentSummary segment : queue.segments()) {
            if (segment.lastSeq() > baseSeq && segment.tableIds().contains(manifest.tableId())) {
                replay += segment.sizeBytes();
            }
        }
        return replay <= REPLAY_FREE_BYTES + REPLAY_FACTOR * manifest.storedBytes();
    }

    private static List<ColumnSchema> columns(TableSchema schema) {
        return schema.columns().stream()
                .map(column -> new ColumnSchema(
                        column.name(),
                        column.typeName(),
                        column.typeOid(),
                        column.typeModifier(),
                        false,
                        column.encoding()))
                .toList();
    }
}
