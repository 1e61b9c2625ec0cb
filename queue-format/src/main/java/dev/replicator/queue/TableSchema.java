package dev.replicator.queue;

import java.util.List;
import java.util.Objects;

/**
 * One version of a table's definition, made from the stream alone (rule R06), and the incarnation it belongs to (rule
 * R08). Content of a SCHEMA record. Blocks name it by (tableId, fingerprint).
 *
 * @param tableId stable number of the table in this cluster; PostgreSQL: oid of the table (root of partitions)
 * @param name the table's name in force from this record on
 * @param incarnation counts up from 1; a new one makes every older copy and dump of the table worthless
 * @param replicaIdentity PostgreSQL relreplident: {@code d} default, {@code i} index, {@code f} full, {@code n} nothing
 * @param columns in the order of row images
 * @param fingerprint first 64 bits of SHA-256 of {@link #avroSchema()}
 * @param avroSchema the Avro schema (JSON) of one change, complete with native type names
 * @param catalog what the catalogue says beside it
 */
public record TableSchema(
        int tableId,
        TableName name,
        int incarnation,
        char replicaIdentity,
        List<ColumnSchema> columns,
        long fingerprint,
        String avroSchema,
        CatalogFacts catalog) {

    public TableSchema {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(avroSchema, "avroSchema");
        Objects.requireNonNull(catalog, "catalog");
        columns = List.copyOf(columns);
        if (incarnation < 1) {
            throw new IllegalArgumentException("incarnation " + incarnation + " of " + name + " is not positive");
        }
    }

    /** The same definition in another incarnation. */
    public TableSchema withIncarnation(int newIncarnation) {
        return new TableSchema(
                tableId, name, newIncarnation, replicaIdentity, columns, fingerprint, avroSchema, catalog);
    }

    /** The same definition with what the catalogue says beside it. */
    public TableSchema withCatalog(CatalogFacts facts) {
        return new TableSchema(tableId, name, incarnation, replicaIdentity, columns, fingerprint, avroSchema, facts);
    }
}
