package dev.replicator.slave.postgres;

import dev.replicator.queue.Unchanged;
import dev.replicator.queue.ValueEncoding;
import dev.replicator.slave.netting.NetRow;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Set-based statements for one binding. Values travel as one array per column and are unnested on the server. They are
 * cast to the column's base type without modifier and then assigned, so that a value too long for the target is an
 * error and never cut. The caller compares how many rows a statement found with how many there should be.
 *
 * <p>Statements whose answer matters to the next ones run at once; the others are made here, on any thread, and run by
 * the caller.
 */
final class SetWriter {
    private final TableBinding binding;
    private final int copyRows;

    SetWriter(TableBinding binding, int copyRows) {
        this.binding = binding;
        this.copyRows = copyRows;
    }

    /** Deletes rows by their key before the batch. */
    Sql deletion(List<NetRow> rows) {
        return originValues(binding.texts().of("DELETE", List.of(), this::deletionText), rows, List.of());
    }

    private String deletionText() {
        return "DELETE FROM " + target() + " AS t USING " + origins(List.of()) + " AS u("
                + names("k", binding.locator().length) + ") WHERE " + matchOrigin();
    }

    /**
     * Deletes the old rows of split updates and completes each to a whole row from what was stored (rule R04).
     *
     * @return per row found, an image over stream columns followed by {@link TableBinding#targetOnly()}
     */
    List<Object[]> deleteReturning(Statements statements, List<NetRow> rows) throws SQLException {
        List<TargetColumn> targetOnly = binding.targetOnly();
        int[] unknown = IntStream.of(binding.written())
                .filter(i -> rows.stream().anyMatch(row -> !known(row, i)))
                .toArray();
        StringBuilder text = new StringBuilder("DELETE FROM ").append(target()).append(" AS t USING ");
        text.append(origins(List.of())).append(" WITH ORDINALITY AS u(").append(names("k", binding.locator().length));
        text.append(", n) WHERE ").append(matchOrigin()).append(" RETURNING u.n");
        IntStream.of(unknown).forEach(i -> text.append(", ").append(Sql.of("t", binding.column(i))));
        targetOnly.forEach(column -> text.append(", ").append(Sql.of("t", column)));
        Sql sql = originValues(text.toString(), rows, List.of());
        List<Object[]> result = new ArrayList<>(rows.size());
        int width = binding.schema().columns().size();
        for (String[] stored : statements.rows(sql)) {
            NetRow row = rows.get(Integer.parseInt(stored[0]) - 1);
            Object[] image = new Object[width + targetOnly.size()];
            System.arraycopy(row.values(), 0, image, 0, width);
            for (int i = 0; i < unknown.length; i++) {
                if (!known(row, unknown[i])) {
                    image[unknown[i]] = stored[1 + i];
                }
            }
            for (int i = 0; i < targetOnly.size(); i++) {
                image[width + i] = stored[1 + unknown.length + i];
            }
            result.add(image);
        }
        return result;
    }

    /**
     * Asks the target which updates change a column that decides uniqueness (rule R04). Compares images, which finds
     * every change of value and perhaps some that are none: splitting those is harmless.
     *
     * @param rows updated rows that know the same columns
     * @param columns stream columns to compare, known in all rows
     * @return indexes into rows
     */
    BitSet changing(Statements statements, List<NetRow> rows, List<Integer> columns) throws SQLException {
        Sql sql = originValues(binding.texts().of("CHANGING", columns, () -> changingText(columns)), rows, columns);
        BitSet changing = new BitSet();
        for (String[] row : statements.rows(sql)) {
            changing.set(Integer.parseInt(row[0]) - 1);
        }
        return changing;
    }

    private String changingText(List<Integer> columns) {
        return "SELECT u.n FROM " + origins(columns) + " WITH ORDINALITY AS u(" + names("k", binding.locator().length)
                + ", " + names("c", columns.size()) + ", n) JOIN " + target() + " AS t ON " + matchOrigin()
                + " WHERE ROW(" + join(columns.size(), ", ", i -> Sql.of("t", binding.column(columns.get(i))))
                // The casts keep PostgreSQL from comparing column by column, for which *<> does not exist.
                + ")::record *<> ROW("
                + join(
                        columns.size(),
                        ", ",
                        i -> "u.c" + i + "::" + binding.column(columns.get(i)).type())
                + ")::record";
    }

    /**
     * Updates rows in place.
     *
     * @param rows rows that keep their key and know the same columns
     * @param columns stream columns to set, at least one
     */
    Sql update(List<NetRow> rows, List<Integer> columns) {
        return originValues(binding.texts().of("UPDATE", columns, () -> updateText(columns)), rows, columns);
    }

    private String updateText(List<Integer> columns) {
        String assignments = join(columns.size(), ", ", i -> {
            TargetColumn column = binding.column(columns.get(i));
            return Sql.columns(List.of(column)) + " = u.c" + i + "::" + column.castType();
        });
        return "UPDATE " + target() + " AS t SET " + assignments + " FROM " + origins(columns) + " AS u("
                + names("k", binding.locator().length) + ", " + names("c", columns.size()) + ") WHERE "
                + matchOrigin();
    }

    /** Asks how many of the rows are there; the updates change nothing. */
    Sql presence(List<NetRow> rows) {
        return originValues(binding.texts().of("PRESENCE", List.of(), this::presenceText), rows, List.of());
    }

    private String presenceText() {
        return "SELECT count(*) FROM " + origins(List.of()) + " AS u(" + names("k", binding.locator().length)
                + ") JOIN " + target() + " AS t ON " + matchOrigin();
    }

    /** Inserts whole rows of the stream. */
    Insertion insertion(List<Object[]> images) {
        List<TargetColumn> columns = new ArrayList<>();
        IntStream.of(binding.written()).forEach(i -> columns.add(binding.column(i)));
        return insertion(images, columns, binding.written(), true);
    }

    /** Inserts images of {@link #deleteReturning}. */
    Insertion completedInsertion(List<Object[]> images) {
        List<TargetColumn> columns = new ArrayList<>();
        IntStream.of(binding.written()).forEach(i -> columns.add(binding.column(i)));
        columns.addAll(binding.targetOnly());
        int width = binding.schema().columns().size();
        int[] indexes = IntStream.concat(
                        IntStream.of(binding.written()),
                        IntStream.range(width, width + binding.targetOnly().size()))
                .toArray();
        return insertion(images, columns, indexes, false);
    }

    private Insertion insertion(List<Object[]> images, List<TargetColumn> columns, int[] indexes, boolean typed) {
        if (images.size() >= copyRows) {
            return Insertion.byCopy(
                    "COPY " + binding.table().quoted() + " (" + Sql.columns(columns) + ") FROM STDIN",
                    new CopyText(images, indexes));
        }
        List<Integer> key = IntStream.of(indexes).boxed().toList();
        Sql sql = new Sql(binding.texts()
                .of(typed ? "INSERT" : "INSERT COMPLETED", key, () -> insertionText(columns, indexes, typed)));
        for (int index : indexes) {
            sql.parameter(BinaryArray.of(
                    typed ? encoding(index) : ValueEncoding.TEXT, images.size(), n -> images.get(n)[index]));
        }
        return Insertion.byStatement(sql);
    }

    private String insertionText(List<TargetColumn> columns, int[] indexes, boolean typed) {
        int count = indexes.length;
        return "INSERT INTO " + binding.table().quoted() + " (" + Sql.columns(columns)
                + ") OVERRIDING SYSTEM VALUE SELECT "
                + join(count, ", ", i -> "u.c" + i + "::" + columns.get(i).castType())
                + " FROM unnest("
                + join(count, ", ", i -> arrayOf(typed ? encoding(indexes[i]) : ValueEncoding.TEXT))
                + ") AS u(" + names("c", count) + ")";
    }

    /** {@code unnest(keys before the batch..., new values...)}; {@link #originValues} gives the values. */
    private String origins(List<Integer> columns) {
        return IntStream.concat(
                        IntStream.of(binding.locator()), columns.stream().mapToInt(i -> i))
                .mapToObj(index -> arrayOf(encoding(index)))
                .collect(Collectors.joining(", ", "unnest(", ")"));
    }

    private static String arrayOf(ValueEncoding encoding) {
        return "?::" + BinaryArray.elementType(encoding) + "[]";
    }

    private Sql originValues(String text, List<NetRow> rows, List<Integer> columns) {
        Sql sql = new Sql(text);
        int[] locator = binding.locator();
        for (int i = 0; i < locator.length; i++) {
            int part = i;
            sql.parameter(BinaryArray.of(
                    encoding(locator[i]), rows.size(), n -> rows.get(n).origin()[part]));
        }
        for (int index : columns) {
            sql.parameter(BinaryArray.of(
                    encoding(index), rows.size(), n -> rows.get(n).values()[index]));
        }
        return sql;
    }

    private String matchOrigin() {
        int[] locator = binding.locator();
        return join(locator.length, " AND ", i -> {
            TargetColumn column = binding.column(locator[i]);
            return Sql.of("t", column) + " " + column.equalsOperator() + " u.k" + i + "::" + column.castType();
        });
    }

    private ValueEncoding encoding(int index) {
        return binding.schema().columns().get(index).encoding();
    }

    private String target() {
        return binding.target().from();
    }

    static boolean known(NetRow row, int index) {
        return row.values()[index] != Unchanged.UNCHANGED;
    }

    private static String names(String prefix, int count) {
        return join(count, ", ", i -> prefix + i);
    }

    private static String join(int count, String separator, IntFunction<String> part) {
        return IntStream.range(0, count).mapToObj(part).collect(Collectors.joining(separator));
    }
}
