package dev.replicator.slave.restore;

import dev.replicator.queue.TableName;
import dev.replicator.slave.postgres.TableException;
import dev.replicator.slave.postgres.TargetCatalog;
import dev.replicator.slave.postgres.TargetTable;
import dev.replicator.slave.state.CopyLayout;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.Sql;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The list of keys where a table and its copy differ (rule R14), kept in a relation beside the copy. Without a key there
 * is no list: all rows are replaced.
 */
public final class Comparison {
    private Comparison() {}

    /** Makes the empty list, in the transaction that begins mirroring: keys that move from here on are added to it. */
    public static void createList(Connection connection, Restore restore, CopyLayout layout) throws SQLException {
        Sql.execute(connection, "DROP TABLE IF EXISTS " + restore.differences().quoted());
        if (!layout.key().isEmpty()) {
            Sql.execute(
                    connection,
                    "CREATE TABLE " + restore.differences().quoted() + " AS SELECT " + list(layout.key(), "") + " FROM "
                            + restore.relation().quoted() + " WITH NO DATA");
        }
    }

    /**
     * Lists the keys where table and copy differ. Takes no lock that anybody waits for; in a transaction of its own under
     * REPEATABLE READ both are seen at one position of the lane that writes both.
     *
     * @return how many keys differ
     */
    public static long listDifferences(Connection connection, TableName table, Restore restore, CopyLayout layout)
            throws SQLException, TableException {
        if (layout.key().isEmpty()) {
            return 0;
        }
        TargetTable target = TargetCatalog.load(connection, table);
        // Both relations are read whole: the plan for single rows that the session prefers would be the wrong one.
        Sql.execute(connection, "SET LOCAL enable_seqscan = on");
        String keys = layout.key().stream()
                .map(TableName::quote)
                .map(column -> "coalesce(t." + column + ", s." + column + ")")
                .collect(Collectors.joining(", "));
        return Sql.update(
                connection,
                "INSERT INTO " + restore.differences().quoted() + " SELECT " + keys + " FROM " + from(target)
                        + " t FULL JOIN " + restore.relation().quoted() + " s ON " + joined(target, layout, "t", "s")
                        + " WHERE t.tableoid IS NULL OR s.tableoid IS NULL OR " + differs(layout));
    }

    static String from(TargetTable target) {
        return target.partitioned()
                ? target.name().quoted()
                : "ONLY " + target.name().quoted();
    }

    /** Equality of the key columns under the operators of the target's own types. */
    static String joined(TargetTable target, CopyLayout layout, String left, String right) {
        return layout.key().stream()
                .map(name -> left + "." + TableName.quote(name) + " "
                        + target.column(name).orElseThrow().equalsOperator() + " " + right + "."
                        + TableName.quote(name))
                .collect(Collectors.joining(" AND "));
    }

    /**
     * By record image: what compares equal may still be another value, 1.0 and 1.00 for one. The casts keep the parser
     * from taking two row constructors for a comparison column by column, for which the operator does not exist.
     */
    static String differs(CopyLayout layout) {
        return "CAST(ROW(" + list(layout.columns(), "t.") + ") AS record) OPERATOR(pg_catalog.*<>) CAST(ROW("
                + list(layout.columns(), "s.") + ") AS record)";
    }

    static String list(List<String> columns, String prefix) {
        return columns.stream().map(column -> prefix + TableName.quote(column)).collect(Collectors.joining(", "));
    }
}
