package dev.replicator.capture;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.replicator.capture.postgres.Snapshot;
import dev.replicator.queue.CatalogFacts;
import dev.replicator.queue.TableName;
import java.util.List;
import java.util.Map;

/**
 * What capture knows of one table across restarts.
 *
 * @param tableId oid of the table, of the root of partitions
 * @param schema schema it was last seen in
 * @param table name it was last seen with
 * @param incarnation counts up from 1 (rule R08)
 * @param publicationRel oid of its row in pg_publication_rel; 0 when it is not published. Another one means that it was
 *     taken out and put back: what happened in between is in no stream
 * @param fileNode relfilenode when last looked at
 * @param attributes changes when a column changes, see Catalog.attributes
 * @param leaves relfilenode of each partition, by oid (rule R09)
 * @param catalog what its SCHEMA records say beside the stream's description
 * @param writersAtJoin full ids of transactions that may have written before it was published (rule R01)
 */
record TableFacts(
        @JsonProperty("tableId") int tableId,
        @JsonProperty("schema") String schema,
        @JsonProperty("table") String table,
        @JsonProperty("incarnation") int incarnation,
        @JsonProperty("publicationRel") long publicationRel,
        @JsonProperty("fileNode") long fileNode,
        @JsonProperty("attributes") String attributes,
        @JsonProperty("leaves") Map<Integer, Long> leaves,
        @JsonProperty("catalog") CatalogFacts catalog,
        @JsonProperty("writersAtJoin") List<Long> writersAtJoin) {

    TableFacts {
        leaves = Map.copyOf(leaves);
        // Not in files of earlier releases.
        catalog = catalog == null ? CatalogFacts.NONE : catalog;
        writersAtJoin = List.copyOf(writersAtJoin);
    }

    @JsonIgnore
    TableName name() {
        return new TableName(schema, table);
    }

    /** Who may have written before it was published and is not seen: a dump must wait for them (rule R01). */
    List<Long> writersNotSeenBy(Snapshot snapshot) {
        return writersAtJoin.stream().filter(id -> !snapshot.sees(id)).toList();
    }

    @JsonIgnore
    boolean isPublished() {
        return publicationRel != 0;
    }

    TableFacts withIncarnation(int newIncarnation) {
        return new TableFacts(
                tableId,
                schema,
                table,
                newIncarnation,
                publicationRel,
                fileNode,
                attributes,
                leaves,
                catalog,
                writersAtJoin);
    }

    TableFacts withName(TableName name) {
        return new TableFacts(
                tableId,
                name.schema(),
                name.table(),
                incarnation,
                publicationRel,
                fileNode,
                attributes,
                leaves,
                catalog,
                writersAtJoin);
    }

    TableFacts withStorage(
            long newFileNode, String newAttributes, Map<Integer, Long> newLeaves, CatalogFacts newCatalog) {
        return new TableFacts(
                tableId,
                schema,
                table,
                incarnation,
                publicationRel,
                newFileNode,
                newAttributes,
                newLeaves,
                newCatalog,
                writersAtJoin);
    }

    TableFacts joined(long newPublicationRel, List<Long> writers) {
        return new TableFacts(
                tableId, schema, table, incarnation, newPublicationRel, fileNode, attributes, leaves, catalog, writers);
    }
}
