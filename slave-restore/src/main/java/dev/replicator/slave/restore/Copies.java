package dev.replicator.slave.restore;

import dev.replicator.dumps.TableDefinition;
import dev.replicator.dumps.postgres.TableBuilder;
import dev.replicator.queue.TableName;
import dev.replicator.slave.state.CopyLayout;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.RestoreMode;
import dev.replicator.slave.state.RestoreRows;
import dev.replicator.slave.state.Sql;
import java.sql.Connection;
import java.sql.SQLException;

/** Relations in schema {@code replicator} that hold rows of tables not in service yet. */
public final class Copies {
    private Copies() {}

    /** Where a table's copy is built: named by its id, since names are anything. */
    public static TableName nameFor(int tableId, String dumpId) {
        return new TableName("replicator", "copy_" + Integer.toUnsignedString(tableId) + "_" + dumpId);
    }

    /** From now on changes are applied to it, maybe for long. */
    public static void allowAutovacuum(Connection connection, Restore restore) throws SQLException {
        if (restore.mode() != RestoreMode.IN_PLACE) {
            new TableBuilder(connection).allowAutovacuum(restore.relation());
        }
    }

    /** Moves a table that we built to its name, in the caller's transaction. */
    public static void publish(Connection connection, Restore restore) throws SQLException {
        CopyLayout layout = RestoreRows.layout(connection, restore.table());
        new TableBuilder(connection)
                .moveInto(TableDefinition.fromJson(layout.definition()), restore.relation(), restore.table());
    }

    /** Removes what a restore left; a table that is or was in service is never touched. */
    public static void drop(Connection connection, Restore restore) throws SQLException {
        if (restore.relation() == null || restore.mode() == RestoreMode.IN_PLACE) {
            return;
        }
        Sql.execute(connection, "DROP TABLE IF EXISTS " + restore.relation().quoted());
        Sql.execute(connection, "DROP TABLE IF EXISTS " + restore.differences().quoted());
    }
}
