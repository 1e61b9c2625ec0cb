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
        Sql sql = new Sql().add("DELETE FROM ").add(target()).add(" AS t USING ");
        origins(sql, rows, List.of());
        sql.add(" AS u(").add(names("k", binding.locator().length)).add(") WHERE ");
        return matchOrigin(sql);
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
        Sql sql = new Sql().add("DELETE FROM ").add(target()).add(" AS t USING ");
        origins(sql, rows, List.of());
        sql.add(" WITH ORDINALITY AS u(")
                .add(names("k", binding.locator().length))
                .add(", n) WHERE ");
        matchOrigin(sql).add(" RETURNING u.n");
        IntStream.of(unknown).forEach(i -> sql.add(", ").add(Sql.of("t", binding.column(i))));
        targetOnly.forEach(column -> sql.add(", ").add(Sql.of("t", column)));
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
        Sql sql = new Sql().add("SELECT u.n FROM ");
        origins(sql, rows, columns);
        sql.add(" WITH ORDINALITY AS u(")
                .add(names("k", binding.locator().length))
                .add(", ")
                .add(names("c", columns.size()))
                .add(", n) JOIN ")
                .add(target())
                .add(" AS t ON ");
        matchOrigin(sql).add(" WHERE ROW(");
        sql.add(join(columns.size(), ", ", i -> Sql.of("t", binding.column(columns.get(i)))));
        // The casts keep PostgreSQL from comparing column by column, for which *<> does not exist.
        sql.add(")::record *<> ROW(");
        sql.add(join(
                columns.size(),
                ", ",
                i -> "u.c" + i + "::" + binding.column(columns.get(i)).type()));
        sql.add(")::record");
        BitSet changing = new BitSet();
        for (String[] row : statements.rows(sql)) {
            changing.set(Integer.parseInt(row[0]) - 1);
        }
        return changing;
    }

    /**
     * Updates rows in place.
     *
     * @param rows rows that keep their key and know the same columns
     * @param columns stream columns to set, at least one
     */
    Sql update(List<NetRow> rows, List<Integer> columns) {
        Sql sql = new Sql().add("UPDATE ").add(target()).add(" AS t SET ");
        sql.add(join(columns.size(), ", ", i -> {
            TargetColumn column = binding.column(columns.get(i));
            return Sql.columns(List.of(column)) + " = u.c" + i + "::" + column.castType();
        }));
        sql.add(" FROM ");
        origins(sql, rows, columns);
        sql.add(" AS u(")
                .add(names("k", binding.locator().length))
                .add(", ")
                .add(names("c", columns.size()))
                .add(") WHERE ");
        return matchOrigin(sql);
    }

    /** Asks how many of the rows are there; the updates change nothing. */
    Sql presence(List<NetRow> rows) {
        Sql sql = new Sql().add("SELECT count(*) FROM ");
        origins(sql, rows, List.of());
        sql.add(" AS u(")
                .add(names("k", binding.locator().length))
                .add(") JOIN ")
                .add(target())
                .add(" AS t ON ");
        return matchOrigin(sql);
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
        Sql sql = new Sql().add("INSERT INTO ").add(binding.table().quoted());
        sql.add(" (").add(Sql.columns(columns)).add(") OVERRIDING SYSTEM VALUE SELECT ");
        sql.add(join(
                indexes.length, ", ", i -> "u.c" + i + "::" + columns.get(i).castType()));
        sql.add(" FROM unnest(");
        for (int i = 0; i < indexes.length; i++) {
            int index = indexes[i];
            ValueEncoding encoding =
                    typed ? binding.schema().columns().get(index).encoding() : ValueEncoding.TEXT;
            sql.add(i == 0 ? "" : ", ").array(BinaryArray.of(encoding, images.size(), n -> images.get(n)[index]));
        }
        sql.add(") AS u(").add(names("c", indexes.length)).add(")");
        return Insertion.byStatement(sql);
    }

    /** {@code unnest(keys before the batch..., new values...)}. */
    private void origins(Sql sql, List<NetRow> rows, List<Integer> columns) {
        sql.add("unnest(");
        int[] locator = binding.locator();
        for (int i = 0; i < locator.length; i++) {
            int part = i;
            sql.add(i == 0 ? "" : ", ").array(BinaryArray.of(encoding(locator[i]), rows.size(), n -> rows.get(n)
                    .origin()[part]));
        }
        for (int index : columns) {
            sql.add(", ").array(BinaryArray.of(encoding(index), rows.size(), n -> rows.get(n)
                    .values()[index]));
        }
        sql.add(")");
    }

    private Sql matchOrigin(Sql sql) {
        int[] locator = binding.locator();
        return sql.add(join(locator.length, " AND ", i -> {
            TargetColumn column = binding.column(locator[i]);
            return Sql.of("t", column) + " " + column.equalsOperator() + " u.k" + i + "::" + column.castType();
        }));
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
