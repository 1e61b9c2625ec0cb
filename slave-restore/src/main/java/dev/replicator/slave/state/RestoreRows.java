package dev.replicator.slave.state;

import dev.replicator.queue.Boundary;
import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Steps of a restore: changes of {@code replicator.restore}, each within the caller's transaction. */
public final class RestoreRows {
    private RestoreRows() {}

    /**
     * A restore begins; its dump is not chosen yet.
     *
     * @return false when the table has left the slave's set meanwhile
     */
    public static boolean begin(Connection connection, TableName table, String group) throws SQLException {
        return Sql.update(
                        connection,
                        "INSERT INTO replicator.restore (table_name, restore_group, phase) SELECT table_name, ?, 'asking'"
                                + " FROM replicator.table_state WHERE table_name = ? FOR SHARE",
                        group,
                        table.toString())
                == 1;
    }

    /** The dump is chosen. */
    public static void choose(Connection connection, TableName table, String dumpId) throws SQLException {
        Sql.update(
                connection,
                "UPDATE replicator.restore SET phase = 'loading', dump_id = ?, mode = NULL, relation_schema = NULL,"
                        + " relation_name = NULL, error = NULL WHERE table_name = ?",
                dumpId,
                table.toString());
    }

    /**
     * The dump's definition and boundary are known and the relation for its rows exists.
     *
     * @param layout which columns are compared and by which keys
     */
    public static void prepare(
            Connection connection,
            Restore restore,
            RestoreMode mode,
            TableName relation,
            int incarnation,
            Boundary boundary,
            CopyLayout layout)
            throws SQLException {
        Sql.update(
                connection,
                "UPDATE replicator.restore SET mode = ?, relation_schema = ?, relation_name = ?, incarnation = ?,"
                        + " since = ?, boundary = ?::jsonb, layout = ?::jsonb WHERE table_name = ?",
                mode.text(),
                relation.schema(),
                relation.table(),
                incarnation,
                boundary.baseSeq(),
                BoundaryJson.write(boundary),
                layout.toJson(),
                restore.table().toString());
    }

    /** Which columns of a copy are compared and by which keys. */
    public static CopyLayout layout(Connection connection, TableName table) throws SQLException {
        return Sql.query(
                        connection,
                        row -> CopyLayout.fromJson(row.getString(1)),
                        "SELECT layout::text FROM replicator.restore WHERE table_name = ?",
                        table.toString())
                .get(0);
    }

    public static void phase(Connection connection, TableName table, RestorePhase phase) throws SQLException {
        Sql.update(
                connection,
                "UPDATE replicator.restore SET phase = ? WHERE table_name = ?",
                phase.text(),
                table.toString());
    }

    /** The attempt failed; another dump is asked for. */
    public static void askAgain(Connection connection, TableName table, String error) throws SQLException {
        Sql.update(
                connection,
                "UPDATE replicator.restore SET phase = 'asking', dump_id = NULL, mode = NULL, relation_schema = NULL,"
                        + " relation_name = NULL, boundary = NULL, error = ? WHERE table_name = ?",
                error,
                table.toString());
        Sql.update(connection, "DELETE FROM replicator.restore_chunk WHERE table_name = ?", table.toString());
    }

    /** A lane applies changes to the copy from here on; {@code since} stays what the dump says. */
    public static void enterLane(Connection connection, TableName table, String lane) throws SQLException {
        Sql.update(
                connection,
                "UPDATE replicator.restore SET phase = 'catching-up', lane = ? WHERE table_name = ?",
                lane,
                table.toString());
    }

    /** The copy stands at {@code since} in a lane, with nothing of its dump left to come. */
    public static void stand(Connection connection, TableName table, String lane, long since, RestorePhase phase)
            throws SQLException {
        Sql.update(
                connection,
                "UPDATE replicator.restore SET phase = ?, lane = ?, since = ?, boundary = NULL WHERE table_name = ?",
                phase.text(),
                lane,
                since,
                table.toString());
    }

    /** Moves the copy to another lane at the place where it stands. */
    public static void move(Connection connection, TableName table, String lane) throws SQLException {
        Sql.update(connection, "UPDATE replicator.restore SET lane = ? WHERE table_name = ?", lane, table.toString());
    }

    /** The dump's marker came by. */
    public static void settle(Connection connection, TableName table) throws SQLException {
        Sql.update(connection, "UPDATE replicator.restore SET boundary = NULL WHERE table_name = ?", table.toString());
    }

    /**
     * The restore is over, one way or the other. What it loaded is forgotten by name: our sessions are replicas, for which
     * ON DELETE CASCADE does nothing, and the same dump may come again.
     */
    public static void end(Connection connection, TableName table) throws SQLException {
        Sql.update(connection, "DELETE FROM replicator.restore_chunk WHERE table_name = ?", table.toString());
        Sql.update(connection, "DELETE FROM replicator.restore WHERE table_name = ?", table.toString());
    }

    /**
     * Claims a chunk for the caller's transaction, which loads it; waits for another transaction that is at it.
     *
     * @return false when the chunk is in already
     */
    public static boolean claimChunk(Connection connection, Restore restore, int chunk, long rows) throws SQLException {
        return Sql.update(
                        connection,
                        "INSERT INTO replicator.restore_chunk (table_name, dump_id, chunk, row_count)"
                                + " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                        restore.table().toString(),
                        restore.dumpId(),
                        chunk,
                        rows)
                == 1;
    }

    /** Keeps others from deciding about a restore until the transaction ends. */
    public static void lock(Connection connection, TableName table) throws SQLException {
        Sql.query(
                connection,
                row -> 0,
                "SELECT 1 FROM replicator.restore WHERE table_name = ? FOR UPDATE",
                table.toString());
    }

    /** Numbers of the chunks that are in. */
    public static Set<Integer> chunksLoaded(Connection connection, Restore restore) throws SQLException {
        return new TreeSet<>(Sql.query(
                connection,
                row -> row.getInt(1),
                "SELECT chunk FROM replicator.restore_chunk WHERE table_name = ? AND dump_id = ?",
                restore.table().toString(),
                restore.dumpId()));
    }

    /** Rows loaded so far by table, for progress reports. */
    public static Map<TableName, Long> rowsLoaded(Connection connection) throws SQLException {
        Map<TableName, Long> rows = new TreeMap<>();
        Sql.query(
                connection,
                row -> rows.put(TableName.parse(row.getString(1)), row.getLong(2)),
                "SELECT table_name, sum(row_count) FROM replicator.restore_chunk GROUP BY table_name");
        return rows;
    }
}
