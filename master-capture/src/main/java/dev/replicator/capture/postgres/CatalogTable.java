package dev.replicator.capture.postgres;

import dev.replicator.queue.TableName;
import java.util.List;

/**
 * A table as the catalogue has it now.
 *
 * @param oid its oid
 * @param name its name
 * @param partitioned the root of partitions
 * @param partition itself a partition
 * @param publicationRel oid of its row in pg_publication_rel; 0 when it is not in the publication
 * @param fileNode relfilenode, changed by every rewrite
 * @param refusal why it cannot be captured, with the fix; empty when it can
 * @param fullIdentity changes carry the whole old row
 * @param leaves of a partitioned table, by oid
 */
public record CatalogTable(
        int oid,
        TableName name,
        boolean partitioned,
        boolean partition,
        long publicationRel,
        long fileNode,
        String refusal,
        boolean fullIdentity,
        List<Leaf> leaves) {

    public CatalogTable {
        leaves = List.copyOf(leaves);
    }

    public boolean published() {
        return publicationRel != 0;
    }

    /**
     * A partition that holds rows.
     *
     * @param oid its oid
     * @param fileNode relfilenode
     * @param changedBy low 32 bits of the transaction that last wrote its row in pg_class: if none was later, the one that
     *     gave it this file
     * @param refusal why its changes cannot be captured; empty when they can
     */
    public record Leaf(int oid, long fileNode, int changedBy, String refusal) {}
}
