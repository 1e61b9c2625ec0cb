package dev.replicator.slave.postgres;

import java.util.List;
import java.util.Set;

/**
 * A unique index or exclusion constraint of a target table.
 *
 * @param name name of the index
 * @param primary primary key
 * @param elements key elements as SQL: quoted column names or expressions
 * @param operators per element the operator under which two rows collide, as {@code OPERATOR(schema.op)}
 * @param plainColumns key columns when all elements are columns, else empty
 * @param dependsOn every column whose change can change the key: in elements, predicate, or sources of generated ones
 * @param predicate SQL of a partial index's WHERE, or null
 * @param deferrable checked late, and under replica role not at all
 * @param nullsNotDistinct two NULLs collide
 */
public record TargetKey(
        String name,
        boolean primary,
        List<String> elements,
        List<String> operators,
        List<String> plainColumns,
        Set<String> dependsOn,
        String predicate,
        boolean deferrable,
        boolean nullsNotDistinct) {

    public TargetKey {
        elements = List.copyOf(elements);
        operators = List.copyOf(operators);
        plainColumns = List.copyOf(plainColumns);
        dependsOn = Set.copyOf(dependsOn);
    }
}
