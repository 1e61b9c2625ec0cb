package dev.replicator.slave.restore;

import dev.replicator.queue.TableName;
import dev.replicator.slave.postgres.TableException;
import dev.replicator.slave.postgres.TargetCatalog;
import dev.replicator.slave.postgres.TargetColumn;
import dev.replicator.slave.postgres.TargetPreflight;
import dev.replicator.slave.postgres.TargetTable;
import dev.replicator.slave.state.CopyLayout;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.Sql;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Makes a table equal to its copy within the caller's transaction, so that readers see the old rows or the new ones and
 * nothing between. Never TRUNCATE, never a swap of names: views, foreign keys, grants and older snapshots stay whole (rule
 * R14). Costs what differs; a table without a key is replaced row by row.
 */
public final class Rewrite {
    private static final Set<String> COLLISION = Set.of("23505", "23P01");

    private final Connection connection;
    private final TargetTable target;
    private final Restore restore;
    private final CopyLayout layout;
    private final String copy;
    private final String listed;

    private Rewrite(Connection connection, TargetTable target, Restore restore, CopyLayout layout) {
        this.connection = connection;
        this.target = target;
        this.restore = restore;
        this.layout = layout;
        this.copy = restore.relation().quoted();
        this.listed = "(SELECT DISTINCT " + Comparison.list(layout.key(), "") + " FROM "
                + restore.differences().quoted() + ") d";
    }

    /** Rewrites the listed keys of the table, or all rows when it has no key. */
    public static void run(Connection connection, TableName table, Restore restore, CopyLayout layout)
            throws SQLException, TableException {
        TargetTable target = TargetCatalog.load(connection, table);
        TargetPreflight.require(connection, target);
        Rewrite rewrite = new Rewrite(connection, target, restore, layout);
        if (layout.key().isEmpty()) {
            rewrite.replaceAll();
        } else {
            rewrite.replaceListed();
        }
    }

    private void replaceAll() throws SQLException {
        Sql.execute(connection, "DELETE FROM " + Comparison.from(target));
        Sql.execute(connection, insert() + " SELECT " + Comparison.list(layout.columns(), "") + " FROM " + copy);
    }

    private void replaceListed() throws SQLException {
        Sql.execute(
                connection,
                "DELETE FROM " + Comparison.from(target) + " t USING " + listed + " WHERE " + on("t", "d")
                        + " AND NOT EXISTS (SELECT FROM " + copy + " s WHERE " + on("s", "d") + ")");
        if (!tryUpdate()) {
            deleteAndInsert();
        }
        Sql.execute(
                connection,
                insert() + " SELECT " + Comparison.list(layout.columns(), "s.") + " FROM " + copy + " s, " + listed
                        + " WHERE " + on("s", "d") + " AND NOT EXISTS (SELECT FROM " + Comparison.from(target)
                        + " t WHERE " + on("t", "s") + ")");
    }

    /** One statement for all rows fails where unique values change places among them; then nothing was done. */
    private boolean tryUpdate() throws SQLException {
        List<String> columns = layout.columns().stream()
                .filter(column -> !layout.key().contains(column))
                .toList();
        if (columns.stream()
                .anyMatch(column ->
                        target.column(column).map(TargetColumn::identityAlways).orElse(false))) {
            return false;
        }
        if (columns.isEmpty()) {
            return true;
        }
        String set = columns.stream()
                .map(column -> TableName.quote(column) + " = s." + TableName.quote(column))
                .collect(Collectors.joining(", "));
        Savepoint savepoint = connection.setSavepoint();
        try {
            Sql.execute(
                    connection,
                    "UPDATE " + Comparison.from(target) + " t SET " + set + " FROM " + copy + " s, " + listed
                            + " WHERE " + on("s", "d") + " AND " + on("t", "s") + " AND "
                            + Comparison.differs(layout));
            connection.releaseSavepoint(savepoint);
            return true;
        } catch (SQLException e) {
            if (!COLLISION.contains(e.getSQLState())) {
                throw e;
            }
            connection.rollback(savepoint);
            return false;
        }
    }

    /** Takes the rows out and puts them back, with the columns that only the slave has as they were. */
    private void deleteAndInsert() throws SQLException {
        List<String> own = target.columns().stream()
                .filter(column -> !column.generated())
                .map(TargetColumn::name)
                .filter(column -> !layout.columns().contains(column))
                .toList();
        if (!own.isEmpty()) {
            keepOwnColumns(own);
        }
        Sql.execute(
                connection, "DELETE FROM " + Comparison.from(target) + " t USING " + listed + " WHERE " + on("t", "d"));
        if (!own.isEmpty()) {
            Sql.execute(
                    connection,
                    "INSERT INTO " + target.name().quoted() + " (" + Comparison.list(layout.columns(), "") + ", "
                            + Comparison.list(own, "") + ") OVERRIDING SYSTEM VALUE SELECT "
                            + Comparison.list(layout.columns(), "s.") + ", " + Comparison.list(own, "k.") + " FROM "
                            + copy + " s JOIN " + kept().quoted() + " k ON " + on("s", "k"));
            Sql.execute(connection, "DROP TABLE " + kept().quoted());
        }
    }

    private void keepOwnColumns(List<String> own) throws SQLException {
        Sql.execute(
                connection,
                "CREATE TABLE " + kept().quoted() + " AS SELECT " + Comparison.list(layout.key(), "t.") + ", "
                        + Comparison.list(own, "t.") + " FROM " + Comparison.from(target) + " t, " + listed + " WHERE "
                        + on("t", "d"));
    }

    private TableName kept() {
        return new TableName(restore.relation().schema(), restore.relation().table() + "_kept");
    }

    private String insert() {
        return "INSERT INTO " + target.name().quoted() + " (" + Comparison.list(layout.columns(), "")
                + ") OVERRIDING SYSTEM VALUE";
    }

    private String on(String left, String right) {
        return Comparison.joined(target, layout, left, right);
    }
}
