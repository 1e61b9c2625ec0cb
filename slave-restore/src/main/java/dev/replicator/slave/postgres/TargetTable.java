package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What the slave's catalogue says about a table, read by {@link TargetCatalog#load}.
 *
 * @param oid table oid
 * @param name qualified name
 * @param partitioned a partitioned table: statements reach its leaves
 * @param columns in attribute order, without dropped ones
 * @param keys unique indexes and exclusion constraints, primary key first
 * @param indexedColumns leading columns of usable, total btree and hash indexes
 * @param references foreign keys of this table
 * @param referencedBy foreign keys of others, or of itself, that point here
 * @param originTriggers user triggers that fire in an ordinary session only
 * @param rowTriggers a user row trigger fires under replica role
 * @param rowSecurity row security applies to the session's role
 * @param missingRights privileges the role lacks, of SELECT, INSERT, UPDATE, DELETE, TRUNCATE
 */
public record TargetTable(
        long oid,
        TableName name,
        boolean partitioned,
        List<TargetColumn> columns,
        List<TargetKey> keys,
        Set<String> indexedColumns,
        List<TargetForeignKey> references,
        List<TargetForeignKey> referencedBy,
        List<String> originTriggers,
        boolean rowTriggers,
        boolean rowSecurity,
        List<String> missingRights) {

    public TargetTable {
        columns = List.copyOf(columns);
        keys = List.copyOf(keys);
        indexedColumns = Set.copyOf(indexedColumns);
        references = List.copyOf(references);
        referencedBy = List.copyOf(referencedBy);
        originTriggers = List.copyOf(originTriggers);
        missingRights = List.copyOf(missingRights);
    }

    /** Columns of the primary key in key order, empty without one. */
    public List<String> primaryKey() {
        return keys.stream()
                .filter(TargetKey::primary)
                .findFirst()
                .map(TargetKey::plainColumns)
                .orElse(List.of());
    }

    /** Whether a check of its rows, or of those that refer to them, may be put off to the end of a transaction. */
    boolean hasDeferrable() {
        return keys.stream().anyMatch(TargetKey::deferrable)
                || references.stream().anyMatch(TargetForeignKey::deferrable)
                || referencedBy.stream().anyMatch(TargetForeignKey::deferrable);
    }

    /** The column of this name. */
    public Optional<TargetColumn> column(String columnName) {
        return columns.stream()
                .filter(column -> column.name().equals(columnName))
                .findFirst();
    }

    /** {@code ONLY "s"."t"}, or {@code "s"."t"} for a partitioned table: just this table's own rows. */
    String from() {
        return partitioned ? name.quoted() : "ONLY " + name.quoted();
    }
}
