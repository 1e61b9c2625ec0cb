package dev.replicator.queue;

import java.util.Map;
import java.util.Objects;

/**
 * What the master's catalogue says of a table beyond the stream's description. Travels beside the definition in a SCHEMA
 * record and changes no fingerprint: no value is written or read by it (rule R06).
 *
 * @param mark changes whenever a column, a check or a unique key does, whatever the stream shows of it (rule R08); empty
 *     when unknown
 * @param missingValues by column: the value of rows that are older than the column, as text
 */
public record CatalogFacts(String mark, Map<String, String> missingValues) {
    /** Nothing is known. */
    public static final CatalogFacts NONE = new CatalogFacts("", Map.of());

    public CatalogFacts {
        Objects.requireNonNull(mark, "mark");
        missingValues = Map.copyOf(missingValues);
    }

    /** Whether two that are known tell of different definitions. */
    public boolean differsFrom(CatalogFacts other) {
        return !mark.isEmpty() && !other.mark.isEmpty() && !mark.equals(other.mark);
    }
}
