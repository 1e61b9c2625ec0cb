package dev.replicator.queue;

import java.util.Objects;

/**
 * One column of a table as the stream describes it.
 *
 * @param name column name as stored in the database
 * @param typeName the server's own name of the type, schema-qualified when it is not a built-in one
 * @param typeOid PostgreSQL type oid; 0 for other databases
 * @param typeModifier PostgreSQL atttypmod; -1 when there is none
 * @param identity true when the column is part of the replica identity
 * @param encoding how its values stand in a block
 */
public record ColumnSchema(
        String name, String typeName, int typeOid, int typeModifier, boolean identity, ValueEncoding encoding) {

    public ColumnSchema {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(typeName, "typeName");
        Objects.requireNonNull(encoding, "encoding");
    }
}
