package dev.replicator.runtime.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Aligned columns: a head in capitals, texts to the left, right-aligned columns where asked. Not thread-safe. */
public final class TextTable {
    private static final String GAP = "  ";

    private final List<String> head = new ArrayList<>();
    private final List<Boolean> right = new ArrayList<>();
    private final List<List<String>> rows = new ArrayList<>();

    /** @param columns names; one that begins with {@code >} is aligned to the right, for numbers */
    public TextTable(String... columns) {
        for (String column : columns) {
            right.add(column.startsWith(">"));
            head.add((column.startsWith(">") ? column.substring(1) : column).toUpperCase(Locale.ROOT));
        }
    }

    /** Adds a row; null shows as {@code -}. */
    public TextTable row(Object... values) {
        if (values.length != head.size()) {
            throw new IllegalArgumentException("Expected " + head.size() + " values, got " + values.length);
        }
        List<String> row = new ArrayList<>();
        for (Object value : values) {
            row.add(value == null ? "-" : value.toString());
        }
        rows.add(row);
        return this;
    }

    /** Returns true without any row. */
    public boolean isEmpty() {
        return rows.isEmpty();
    }

    /** Returns the table, each line ended by a newline, without spaces at the ends of lines. */
    @Override
    public String toString() {
        List<List<String>> lines = new ArrayList<>();
        lines.add(head);
        lines.addAll(rows);
        int[] widths = new int[head.size()];
        for (List<String> line : lines) {
            for (int column = 0; column < widths.length; column++) {
                widths[column] = Math.max(widths[column], width(line.get(column)));
            }
        }
        StringBuilder text = new StringBuilder();
        for (List<String> line : lines) {
            StringBuilder out = new StringBuilder();
            for (int column = 0; column < widths.length; column++) {
                String cell = line.get(column);
                String pad = " ".repeat(widths[column] - width(cell));
                out.append(column == 0 ? "" : GAP).append(right.get(column) ? pad + cell : cell + pad);
            }
            text.append(out.toString().stripTrailing()).append('\n');
        }
        return text.toString();
    }

    private static int width(String cell) {
        return cell.codePointCount(0, cell.length());
    }
}
