package dev.replicator.capture;

import dev.replicator.capture.postgres.Catalog;
import dev.replicator.capture.postgres.CatalogTable;
import dev.replicator.queue.CatalogFacts;
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
    private final IntToLongFunction truncatedBy;
    /** Roots of which a partition got a new file: up to where the stream must be read to know whether by its TRUNCATE. */
    private final Map<Integer, Long> truncateFences = new HashMap<>();

    StorageWatch(TableRegistry registry, JoinedTables joined, StatusBoard board, IntToLongFunction truncatedBy) {
        this.registry = registry;
        this.joined = joined;
        this.board = board;
        this.truncatedBy = truncatedBy;
    }

    /** Compares tables that are published, and were before, with what was known of them. */
    void compare(Connection sql, List<CatalogTable> tables) throws SQLException, IOException {
        List<Integer> oids = tables.stream().map(CatalogTable::oid).toList();
        Map<Integer, String> attributes = Catalog.attributes(sql, oids);
        Map<Integer, CatalogFacts> catalog = Catalog.facts(sql, oids);
        for (CatalogTable table : tables) {
            TableFacts facts = registry.find(table.oid()).orElseThrow();
            Look look = new Look(
                    table,
                    attributes.getOrDefault(table.oid(), facts.attributes()),
                    catalog.getOrDefault(table.oid(), facts.catalog()));
            if (table.partitioned()) {
                compareRoot(sql, facts, look);
            } else {
                compareTable(sql, facts, look);
            }
        }
    }

    /** A table as the catalogue shows it now. */
    private record Look(CatalogTable table, String attributes, CatalogFacts catalog) {
        TableFacts asSeen(TableFacts before) {
            return before.withStorage(table.fileNode(), attributes, JoinedTables.fileNodes(table), catalog);
        }

        boolean isAnnounced(TableFacts before) {
            return before.attributes().equals(attributes) && before.catalog().equals(catalog);
        }
    }

    /** Whether partitions came, went or got other files since the last look: that is looked into at once. */
    boolean hasOtherLeaves(CatalogTable table) {
        return table.partitioned()
                && registry.find(table.oid())
                        .map(facts -> !facts.leaves().equals(JoinedTables.fileNodes(table)))
                        .orElse(false);
    }

    private void compareTable(Connection sql, TableFacts facts, Look look) throws SQLException, IOException {
        TableFacts seen = look.asSeen(facts);
        if (effect(facts, look.table().fileNode(), look.attributes()) == Effect.REWRITTEN) {
            joined.beginIncarnation(sql, seen, "ALTER TABLE has rewritten its rows, which the stream does not show");
        } else if (!seen.equals(facts)) {
            take(sql, facts, look);
        }
    }

    /** The rows are the same; whoever keeps the definition is told when it is another one. */
    private void take(Connection sql, TableFacts facts, Look look) throws SQLException, IOException {
        registry.put(List.of(look.asSeen(facts)));
        if (!look.isAnnounced(facts)) {
            joined.announce(sql, facts.tableId());
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

    private void compareRoot(Connection sql, TableFacts facts, Look look) throws SQLException, IOException {
        CatalogTable table = look.table();
        Map<Integer, Long> leaves = JoinedTables.fileNodes(table);
        if (leaves.equals(facts.leaves()) && look.isAnnounced(facts)) {
            truncateFences.remove(table.oid());
            return;
        }
        String why = changeOfLeaves(sql, facts.leaves(), leaves);
        if (why.isEmpty() && !isExplained(facts.leaves(), table)) {
            if (!isReadThrough(sql, table.oid())) {
                return;
            }
            why = "a partition was truncated or rewritten on its own";
        }
        truncateFences.remove(table.oid());
        if (why.isEmpty()) {
            take(sql, facts, look);
        } else {
            joined.beginIncarnation(sql, look.asSeen(facts), why);
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

    /**
     * Whether each partition with another file has it from the stream's TRUNCATE of the root. Another one that truncated a
     * partition later has left its own id in the partition's row.
     */
    private boolean isExplained(Map<Integer, Long> before, CatalogTable root) {
        int truncating = (int) truncatedBy.applyAsLong(root.oid());
        return root.leaves().stream()
                .filter(leaf -> before.containsKey(leaf.oid()) && before.get(leaf.oid()) != leaf.fileNode())
                .allMatch(leaf -> truncating != 0 && leaf.changedBy() == truncating);
    }

    /** Whether the stream was read up to where the change was first seen, so that its TRUNCATE would be known. */
    private boolean isReadThrough(Connection sql, int tableId) throws SQLException {
        Long fence = truncateFences.get(tableId);
        if (fence == null) {
            // A TRUNCATE that shows in the catalogue is on the master's disk, and what is there will be sent.
            truncateFences.put(tableId, Catalog.flushLsn(sql));
            return false;
        }
        return Long.compareUnsigned(board.receivedLsn(), fence) >= 0;
    }
}
