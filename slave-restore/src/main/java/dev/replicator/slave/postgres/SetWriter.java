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
 * error and never cut. Statements that find rows return how many they found: the caller compares.
 */
final class SetWriter {
    private final Statements statements;
    private final TableBinding binding;
    private final int copyRows;

    SetWriter(Statements statements, TableBinding binding, int copyRows) {
        this.statements = statements;
        this.binding = binding;
        this.copyRows = copyRows;
    }

    /** Deletes rows by their key before the batch. */
    int delete(List<NetRow> rows) throws SQLException {
        Sql sql = new Sql().add("DELETE FROM ").add(target()).add(" AS t USING ");
        origins(sql, rows, List.of());
        sql.add(" AS u(").add(names("k", binding.locator().length)).add(") WHERE ");
        return statements.update(matchOrigin(sql));
    }

    /**
     * Deletes the old rows of split updates and completes each to a whole row from what was stored (rule R04).
     *
     * @return per row found, an image over stream columns followed by {@link TableBinding#targetOnly()}
     */
    List<Object[]> deleteReturning(List<NetRow> rows) throws SQLException {
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
    BitSet changing(List<NetRow> rows, List<Integer> columns) throws SQLException {
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
     * @param columns stream columns to set; empty asks only whether the rows are there
     */
    int update(List<NetRow> rows, List<Integer> columns) throws SQLException {
        Sql sql = new Sql();
        if (columns.isEmpty()) {
            sql.add("SELECT count(*) FROM ");
            origins(sql, rows, columns);
            sql.add(" AS u(")
                    .add(names("k", binding.locator().length))
                    .add(") JOIN ")
                    .add(target())
                    .add(" AS t ON ");
            return Integer.parseInt(statements.rows(matchOrigin(sql)).get(0)[0]);
        }
        sql.add("UPDATE ").add(target()).add(" AS t SET ");
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
        return statements.update(matchOrigin(sql));
    }

    /** Inserts whole rows of the stream. */
    long insert(List<Object[]> images) throws SQLException {
        List<TargetColumn> columns = new ArrayList<>();
        IntStream.of(binding.written()).forEach(i -> columns.add(binding.column(i)));
        return insert(images, columns, binding.written(), true);
    }

    /** Inserts images of {@link #deleteReturning}. */
    long insertCompleted(List<Object[]> images) throws SQLException {
        List<TargetColumn> columns = new ArrayList<>();
        IntStream.of(binding.written()).forEach(i -> columns.add(binding.column(i)));
        columns.addAll(binding.targetOnly());
        int width = binding.schema().columns().size();
        int[] indexes = IntStream.concat(
                        IntStream.of(binding.written()),
                        IntStream.range(width, width + binding.targetOnly().size()))
                .toArray();
        return insert(images, columns, indexes, false);
    }

    private long insert(List<Object[]> images, List<TargetColumn> columns, int[] indexes, boolean typed)
            throws SQLException {
        if (images.size() >= copyRows) {
            return CopyRows.insert(statements.connection(), binding.table(), columns, images, indexes);
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
            sql.add(i == 0 ? "" : ", ").array(column(encoding, images.size(), n -> images.get(n)[index]));
        }
        sql.add(") AS u(").add(names("c", indexes.length)).add(")");
        return statements.update(sql);
    }

    /** {@code unnest(keys before the batch..., new values...)}. */
    private void origins(Sql sql, List<NetRow> rows, List<Integer> columns) {
        sql.add("unnest(");
        int[] locator = binding.locator();
        for (int i = 0; i < locator.length; i++) {
            int part = i;
            sql.add(i == 0 ? "" : ", ").array(column(encoding(locator[i]), rows.size(), n -> rows.get(n)
                    .origin()[part]));
        }
        for (int index : columns) {
            sql.add(", ")
                    .array(column(encoding(index), rows.size(), n -> rows.get(n).values()[index]));
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

    private static Object[] column(ValueEncoding encoding, int rows, IntFunction<Object> value) {
        Object[] column =
                switch (encoding) {
                    case INT -> new Integer[rows];
                    case LONG -> new Long[rows];
                    default -> new String[rows];
                };
        boolean text = column instanceof String[];
        for (int i = 0; i < rows; i++) {
            column[i] = text ? Values.text(value.apply(i)) : value.apply(i);
        }
        return column;
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
