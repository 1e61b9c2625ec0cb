package dev.replicator.queue;

import java.util.Objects;

/**
 * A table's qualified name, unquoted, in the case the database stores. Ordered by schema, then table.
 *
 * @param schema PostgreSQL schema or MariaDB database
 * @param table table name
 */
public record TableName(String schema, String table) implements Comparable<TableName> {

    public TableName {
        Objects.requireNonNull(schema, "schema");
        Objects.requireNonNull(table, "table");
        if (schema.isEmpty() || table.isEmpty()) {
            throw new IllegalArgumentException("empty part in table name '" + schema + "." + table + "'");
        }
    }

    /**
     * Parses {@code schema.table}; the schema ends at the first dot, so a table name may contain dots.
     *
     * @throws IllegalArgumentException when there is no schema part
     */
    public static TableName parse(String text) {
        int dot = text.indexOf('.');
        if (dot < 1 || dot == text.length() - 1) {
            throw new IllegalArgumentException("'" + text + "' is not schema.table");
        }
        return new TableName(text.substring(0, dot), text.substring(dot + 1));
    }

    /** Both parts quoted as SQL identifiers, for example {@code "public"."orders"}. */
    public String quoted() {
        return quote(schema) + "." + quote(table);
    }

    /** Quotes one SQL identifier, doubling quotes inside it. */
    public static String quote(String identifier) {
        return '"' + identifier.replace("\"", "\"\"") + '"';
    }

    @Override
    public int compareTo(TableName other) {
        int order = schema.compareTo(other.schema);
        return order != 0 ? order : table.compareTo(other.table);
    }

    /** {@code schema.table}, the form used in configuration, output and JSON. */
    @Override
    public String toString() {
        return schema + "." + table;
    }
}
