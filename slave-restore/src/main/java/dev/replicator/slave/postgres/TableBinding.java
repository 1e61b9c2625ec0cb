package dev.replicator.slave.postgres;

import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * How one version of a table in the stream meets one table of the slave: columns by name, how a row is found, and which
 * columns decide whether an update must be split. Immutable; made anew when the stream's schema or the target changes.
 */
public final class TableBinding {
    private final TableSchema schema;
    private final TargetTable target;
    private final TargetColumn[] columns;
    private final int[] written;
    private final int[] locator;
    private final int[] splitting;
    private final int[] settable;
    private final List<TargetColumn> targetOnly;
    private final StatementTexts texts = new StatementTexts();

    private TableBinding(TableSchema schema, TargetTable target, TargetColumn[] columns) throws TableException {
        this.schema = schema;
        this.target = target;
        this.columns = columns;
        this.written = indexes(i -> columns[i] != null && !columns[i].generated());
        if (written.length == 0) {
            throw new TableException(
                    target.name(),
                    "Table " + target.name() + " on the slave has no column of the master's that can be written",
                    "Add its columns on the slave, or take the table out of the slave's table set.");
        }
        this.locator = chooseLocator();
        Set<Integer> located = new HashSet<>();
        for (int column : locator) {
            located.add(column);
        }
        Set<String> unique = new HashSet<>();
        target.keys().forEach(key -> unique.addAll(key.dependsOn()));
        this.splitting = indexes(i -> columns[i] != null
                && !columns[i].generated()
                && !located.contains(i)
                && (columns[i].identityAlways() || unique.contains(columns[i].name())));
        this.settable = indexes(i ->
                columns[i] != null && !columns[i].generated() && !columns[i].identityAlways() && !located.contains(i));
        Set<String> supplied = new HashSet<>();
        schema.columns().forEach(column -> supplied.add(column.name()));
        this.targetOnly = target.columns().stream()
                .filter(column -> !column.generated() && !supplied.contains(column.name()))
                .toList();
    }

    /** Binds where every column of the stream must exist on the target. */
    public static TableBinding of(TableSchema schema, TargetTable target) throws TableException {
        return of(schema, target, Set.of());
    }

    /**
     * Binds a table of the stream to a table of the slave.
     *
     * @param schema the table as the stream describes it
     * @param target the slave's table, which may have another name and more columns
     * @param ignorable columns of the stream that may be absent on the target: during catch-up those of older schemas
     *     that the dump's table no longer has (rule R08)
     * @throws TableException when a column is missing, with the ALTER TABLE that adds it
     */
    public static TableBinding of(TableSchema schema, TargetTable target, Set<String> ignorable) throws TableException {
        TargetColumn[] columns = new TargetColumn[schema.columns().size()];
        List<ColumnSchema> missing = new ArrayList<>();
        for (int i = 0; i < columns.length; i++) {
            ColumnSchema column = schema.columns().get(i);
            Optional<TargetColumn> match = target.column(column.name());
            if (match.isPresent()) {
                columns[i] = match.get();
            } else if (!ignorable.contains(column.name())) {
                missing.add(column);
            }
        }
        if (!missing.isEmpty()) {
            throw missingColumns(schema, target.name(), missing);
        }
        return new TableBinding(schema, target, columns);
    }

    private static TableException missingColumns(TableSchema schema, TableName table, List<ColumnSchema> missing) {
        List<String> names = missing.stream().map(ColumnSchema::name).toList();
        List<String> clauses = missing.stream()
                .map(column -> "ADD COLUMN " + TableName.quote(column.name()) + " " + TypeNames.sql(column)
                        + valueOfOldRows(schema, column))
                .toList();
        return new TableException(
                table,
                "Table " + table + " on the slave lacks the column(s) " + String.join(", ", names) + " of the master",
                "Run on the slave: ALTER TABLE " + table.quoted() + " " + String.join(", ", clauses)
                        + "; then resume.");
    }

    /** Rows that are older than the column have this value on the master; nothing in the stream will say so (R08). */
    private static String valueOfOldRows(TableSchema schema, ColumnSchema column) {
        String value = schema.catalog().missingValues().get(column.name());
        return value == null ? "" : " DEFAULT '" + value.replace("'", "''") + "'";
    }

    private int[] chooseLocator() throws TableException {
        if (schema.replicaIdentity() == 'f') {
            // Under a deferrable key two rows may share it within a transaction: only their images tell them apart.
            boolean deferrable = target.keys().stream().anyMatch(key -> key.primary() && key.deferrable());
            if (deferrable) {
                return new int[0];
            }
            List<Integer> found = new ArrayList<>();
            for (String name : target.primaryKey()) {
                for (int i = 0; i < columns.length; i++) {
                    if (columns[i] != null && columns[i].name().equals(name)) {
                        found.add(i);
                    }
                }
            }
            boolean whole = found.size() == target.primaryKey().size();
            return whole ? found.stream().mapToInt(Integer::intValue).toArray() : new int[0];
        }
        int[] identity = indexes(i -> schema.columns().get(i).identity());
        for (int column : identity) {
            if (columns[column] == null) {
                String name = schema.columns().get(column).name();
                throw new TableException(
                        target.name(),
                        String.format(
                                Locale.ROOT,
                                "Table %s on the slave lacks column %s, by which the master names rows",
                                target.name(),
                                name),
                        "Run resync for the table.");
            }
        }
        return identity;
    }

    private int[] indexes(IntPredicate wanted) {
        return IntStream.range(0, columns.length).filter(wanted).toArray();
    }

    public TableSchema schema() {
        return schema;
    }

    public TargetTable target() {
        return target;
    }

    /** The target's name. */
    public TableName table() {
        return target.name();
    }

    /** SQL texts made for this binding. */
    StatementTexts texts() {
        return texts;
    }

    /** False when rows can only be found by their whole image. */
    public boolean keyed() {
        return locator.length > 0;
    }

    /** The target column of a stream column; null when it is ignored. */
    TargetColumn column(int streamIndex) {
        return columns[streamIndex];
    }

    /** Stream columns whose values are written. */
    int[] written() {
        return written;
    }

    /** Stream columns that find a row; empty when only the whole image does. */
    int[] locator() {
        return locator;
    }

    /** Stream columns outside the locator whose change means that an update must be split (rule R04). */
    int[] splitting() {
        return splitting;
    }

    /** True when changing rows of the target by delete and insert would set off foreign-key actions (rule R04). */
    boolean splitActs(boolean replicaRole) {
        return target.referencedBy().stream().anyMatch(key -> key.acts() && key.fires(replicaRole));
    }

    /**
     * True when an update of all columns leaves what a delete and an insert of the same key would leave: no column of the
     * slave's own goes back to its default, and nobody is told of either.
     */
    boolean replaceable(boolean replicaRole) {
        return targetOnly.isEmpty() && !target.rowTriggers() && !splitActs(replicaRole);
    }

    /** Stream columns an update that keeps the key sets; GENERATED ALWAYS ones cannot be and split it when they change. */
    int[] settable() {
        return settable;
    }

    /** Target columns the stream knows nothing of, without generated ones. */
    List<TargetColumn> targetOnly() {
        return targetOnly;
    }
}
