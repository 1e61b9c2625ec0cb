package dev.replicator.queue;

import java.util.List;
import java.util.regex.Pattern;

/**
 * A table set as an operator writes it: names and patterns over {@code schema.table}, less exclusions. In a pattern
 * {@code *} stands for any run of characters and {@code ?} for one; everything else is literal. A selection may be
 * empty.
 */
public final class TableSelection {
    private final List<String> tables;
    private final List<String> exclude;
    private final List<Pattern> included;
    private final List<Pattern> excluded;

    /**
     * @param tables names or patterns that are in
     * @param exclude names or patterns that are out even if {@code tables} has them
     * @throws IllegalArgumentException when an entry has no schema part
     */
    public TableSelection(List<String> tables, List<String> exclude) {
        this.tables = List.copyOf(tables);
        this.exclude = List.copyOf(exclude);
        this.included = this.tables.stream().map(TableSelection::compile).toList();
        this.excluded = this.exclude.stream().map(TableSelection::compile).toList();
    }

    public boolean contains(TableName table) {
        String name = table.toString();
        return matches(included, name) && !matches(excluded, name);
    }

    public List<String> tables() {
        return tables;
    }

    public List<String> exclude() {
        return exclude;
    }

    /** Entries of {@link #tables()} without wildcards: tables that somebody asked for by name. */
    public List<TableName> namedTables() {
        return tables.stream()
                .filter(entry -> entry.indexOf('*') < 0 && entry.indexOf('?') < 0)
                .map(TableName::parse)
                .toList();
    }

    private static boolean matches(List<Pattern> patterns, String name) {
        for (Pattern pattern : patterns) {
            if (pattern.matcher(name).matches()) {
                return true;
            }
        }
        return false;
    }

    private static Pattern compile(String entry) {
        TableName.parse(entry);
        StringBuilder regex = new StringBuilder();
        for (char c : entry.toCharArray()) {
            switch (c) {
                case '*' -> regex.append(".*");
                case '?' -> regex.append('.');
                default -> regex.append(Pattern.quote(String.valueOf(c)));
            }
        }
        return Pattern.compile(regex.toString(), Pattern.DOTALL);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TableSelection that && tables.equals(that.tables) && exclude.equals(that.exclude);
    }

    @Override
    public int hashCode() {
        return 31 * tables.hashCode() + exclude.hashCode();
    }

    @Override
    public String toString() {
        return exclude.isEmpty() ? tables.toString() : tables + " except " + exclude;
    }
}
