package dev.replicator.capture;

import dev.replicator.capture.postgres.Catalog;
import dev.replicator.capture.postgres.CatalogTable;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntToLongFunction;

/**
 * Finds what changed a table's rows without a trace in the stream: rewrites by ALTER and changes of partitions (rules
 * R08, R09). Used by the catalogue watcher.
 */
final class StorageWatch {
    private final TableRegistry registry;
    private final JoinedTables joined;
    private final StatusBoard board;
    private final IntToLongFunction truncatedAt;
    /** Roots of which a partition got a new file: up to where the stream must be read to know whether by its TRUNCATE. */
    private final Map<Integer, Long> truncateFences = new HashMap<>();
    /** The stream's last TRUNCATE of a root that was already taken into account. */
    private final Map<Integer, Long> truncatesUsed = new HashMap<>();

    StorageWatch(TableRegistry registry, JoinedTables joined, StatusBoard board, IntToLongFunction truncatedAt) {
        this.registry = registry;
        this.joined = joined;
        this.board = board;
        this.truncatedAt = truncatedAt;
    }

    /** Compares tables that are published, and were before, with what was known of them. */
    void compare(Connection sql, List<CatalogTable> tables) throws SQLException, IOException {
        Map<Integer, String> attributes =
                Catalog.attributes(sql, tables.stream().map(CatalogTable::oid).toList());
        for (CatalogTable table : tables) {
            TableFacts facts = registry.find(table.oid()).orElseThrow();
            String now = attributes.getOrDefault(table.oid(), facts.attributes());
            if (table.partitioned()) {
                compareRoot(sql, facts, table, now);
            } else {
                compareTable(sql, facts, table, now);
            }
        }
    }

    private void compareTable(Connection sql, TableFacts facts, CatalogTable table, String attributes)
            throws SQLException, IOException {
        Effect effect = effect(facts, table.fileNode(), attributes);
        if (effect == Effect.NONE) {
            return;
        }
        TableFacts seen = facts.withStorage(table.fileNode(), attributes, Map.of());
        registry.put(List.of(seen));
        if (effect == Effect.REWRITTEN) {
            joined.beginIncarnation(sql, seen, "ALTER TABLE has rewritten its rows, which the stream does not show");
        } else if (effect == Effect.OTHER_COLUMNS) {
            joined.announce(sql, table.oid());
        }
    }

    /** What a table's file and columns tell of its rows. */
    enum Effect {
        NONE,
        /** VACUUM FULL and the like: another file, the same rows. */
        OTHER_FILE,
        OTHER_COLUMNS,
        REWRITTEN
    }

    static Effect effect(TableFacts facts, long fileNode, String attributes) {
        boolean otherFile = facts.fileNode() != fileNode;
        boolean otherColumns = !facts.attributes().equals(attributes);
        if (otherColumns) {
            return otherFile ? Effect.REWRITTEN : Effect.OTHER_COLUMNS;
        }
        return otherFile ? Effect.OTHER_FILE : Effect.NONE;
    }

    private void compareRoot(Connection sql, TableFacts facts, CatalogTable table, String attributes)
            throws SQLException, IOException {
        Map<Integer, Long> leaves = JoinedTables.fileNodes(table);
        boolean otherColumns = !facts.attributes().equals(attributes);
        if (leaves.equals(facts.leaves()) && !otherColumns) {
            truncateFences.remove(table.oid());
            return;
        }
        String why = changeOfLeaves(sql, facts.leaves(), leaves);
        if (why.isEmpty() && hasOtherFile(facts.leaves(), leaves)) {
            Boolean truncated = truncatedInStream(sql, table.oid());
            if (truncated == null) {
                return;
            }
            why = truncated ? "" : "a partition was truncated or rewritten on its own";
        }
        TableFacts seen = facts.withStorage(table.fileNode(), attributes, leaves);
        registry.put(List.of(seen));
        if (!why.isEmpty()) {
            joined.beginIncarnation(sql, seen, why);
        } else if (otherColumns) {
            joined.announce(sql, table.oid());
        }
    }

    private static String changeOfLeaves(Connection sql, Map<Integer, Long> before, Map<Integer, Long> now)
            throws SQLException {
        if (!now.keySet().containsAll(before.keySet())) {
            return "a partition was dropped or detached";
        }
        Set<Integer> added = new HashSet<>(now.keySet());
        added.removeAll(before.keySet());
        for (int leaf : added) {
            if (!Catalog.isEmpty(sql, leaf)) {
                return "a partition was attached with rows in it";
            }
        }
        return "";
    }

    private static boolean hasOtherFile(Map<Integer, Long> before, Map<Integer, Long> now) {
        return before.entrySet().stream().anyMatch(leaf -> !leaf.getValue().equals(now.get(leaf.getKey())));
    }

    /** Whether the stream has a TRUNCATE of the root for this; null while it is not read far enough to tell. */
    private Boolean truncatedInStream(Connection sql, int tableId) throws SQLException {
        long truncate = truncatedAt.applyAsLong(tableId);
        if (truncate != truncatesUsed.getOrDefault(tableId, 0L)) {
            truncatesUsed.put(tableId, truncate);
            truncateFences.remove(tableId);
            return true;
        }
        Long fence = truncateFences.get(tableId);
        if (fence == null) {
            truncateFences.put(tableId, Catalog.insertLsn(sql));
            return null;
        }
        if (Long.compareUnsigned(board.receivedLsn(), fence) < 0) {
            return null;
        }
        truncateFences.remove(tableId);
        return false;
    }
}
