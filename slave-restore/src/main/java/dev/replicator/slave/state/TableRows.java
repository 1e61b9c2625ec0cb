package dev.replicator.slave.state;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/** Steps in the life of a table: changes of {@code replicator.table_state}, each within the caller's transaction. */
public final class TableRows {
    private static final String UPDATE = "UPDATE replicator.table_state SET changed_at = now(), ";

    private static final ObjectMapper JSON = new ObjectMapper();

    private TableRows() {}

    /** A table joins the slave's set; it begins with a dump. Nothing happens when it is there already. */
    public static void add(Connection connection, TableName table, int tableId) throws SQLException {
        Sql.update(
                connection,
                "INSERT INTO replicator.table_state (table_name, table_id, state) VALUES (?, ?, ?)"
                        + " ON CONFLICT DO NOTHING",
                table.toString(),
                tableId,
                Stage.WAITING_FOR_DUMP.text());
    }

    /** A table leaves the slave's set: its state goes, a restore that may just have begun too; its rows stay. */
    public static void remove(Connection connection, TableName table) throws SQLException {
        Sql.update(connection, "DELETE FROM replicator.table_state WHERE table_name = ?", table.toString());
        RestoreRows.end(connection, table);
    }

    /** Its rows are no longer continued by any lane; they stay in service until a dump has replaced them. */
    public static void awaitDump(Connection connection, TableName table, String reason) throws SQLException {
        Sql.update(
                connection,
                UPDATE + "state = ?, lane = NULL, boundary = NULL, reason = ?, hint = NULL, conflict_seq = 0,"
                        + " skip_seq = 0, need = CASE need WHEN 'fresh' THEN need ELSE 'any' END"
                        + " WHERE table_name = ?",
                Stage.WAITING_FOR_DUMP.text(),
                reason,
                table.toString());
    }

    /** Asks for a dump while the table goes on as it is. */
    public static void request(Connection connection, TableName table, DumpNeed need, String wantedDump)
            throws SQLException {
        Sql.update(
                connection,
                UPDATE + "need = ?, wanted_dump = ? WHERE table_name = ?",
                need.text(),
                wantedDump,
                table.toString());
    }

    /** A restore has begun for it. */
    public static void restoring(Connection connection, TableName table) throws SQLException {
        Sql.update(
                connection,
                UPDATE + "state = ?, reason = NULL, hint = NULL, need = 'none', wanted_dump = NULL"
                        + " WHERE table_name = ?",
                Stage.RESTORING.text(),
                table.toString());
    }

    /** Another stage, nothing else. */
    public static void stage(Connection connection, TableName table, Stage stage, String reason) throws SQLException {
        Sql.update(
                connection,
                UPDATE + "state = ?, reason = ?, hint = NULL WHERE table_name = ?",
                stage.text(),
                reason,
                table.toString());
    }

    /** From this transaction on a lane applies the table's changes; the rows are as of {@code since}. */
    public static void enter(Connection connection, TableName table, String lane, long since, Stage stage)
            throws SQLException {
        Sql.update(
                connection,
                UPDATE + "lane = ?, since = ?, boundary = NULL, state = ?, reason = NULL, hint = NULL,"
                        + " conflict_seq = 0 WHERE table_name = ?",
                lane,
                since,
                stage.text(),
                table.toString());
    }

    /** The rows are those of another life of the master's table now. */
    public static void become(Connection connection, TableName table, int tableId, int incarnation)
            throws SQLException {
        Sql.update(
                connection,
                UPDATE + "table_id = ?, incarnation = ? WHERE table_name = ?",
                tableId,
                incarnation,
                table.toString());
    }

    /** The master's number of the table, known from its dump. */
    public static void identify(Connection connection, TableName table, int tableId) throws SQLException {
        Sql.update(connection, UPDATE + "table_id = ? WHERE table_name = ?", tableId, table.toString());
    }

    /** The columns by which the master names rows of the table, for preflight; none under full identity. */
    public static void namedBy(Connection connection, TableName table, List<String> identity) throws SQLException {
        Sql.update(
                connection,
                UPDATE + "identity = ARRAY(SELECT jsonb_array_elements_text(?::jsonb)) WHERE table_name = ?",
                JSON.valueToTree(identity).toString(),
                table.toString());
    }

    /** The dump's marker came by. */
    public static void settle(Connection connection, TableName table) throws SQLException {
        Sql.update(connection, UPDATE + "boundary = NULL WHERE table_name = ?", table.toString());
    }

    /** It could not be applied; nothing later is until an operator decides. */
    public static void fail(Connection connection, TableName table, String reason, String hint, long conflictSeq)
            throws SQLException {
        Sql.update(
                connection,
                UPDATE + "state = ?, reason = ?, hint = ?, conflict_seq = ? WHERE table_name = ?",
                Stage.ERROR.text(),
                reason,
                hint,
                conflictSeq,
                table.toString());
    }

    /** Moves the table itself to another lane, or to none, at the place where it stands. */
    public static void move(Connection connection, TableName table, String lane) throws SQLException {
        Sql.update(connection, UPDATE + "lane = ? WHERE table_name = ?", lane, table.toString());
    }

    /** An operator decided that one transaction's changes are to be dropped. */
    public static void orderSkip(Connection connection, TableName table, long seq) throws SQLException {
        Sql.update(connection, UPDATE + "skip_seq = ? WHERE table_name = ?", seq, table.toString());
    }

    /** The ordered skip has been done. */
    public static void skipped(Connection connection, TableName table) throws SQLException {
        Sql.update(connection, UPDATE + "skip_seq = 0, conflict_seq = 0 WHERE table_name = ?", table.toString());
    }

    /** Whether it ever was in service here: its rows, though there may be none just now, are what readers rely on. */
    public static boolean wasInService(Connection connection, TableName table) throws SQLException {
        return Sql.query(
                        connection,
                        row -> row.getInt(1) > 0,
                        "SELECT incarnation FROM replicator.table_state WHERE table_name = ?",
                        table.toString())
                .stream()
                .anyMatch(served -> served);
    }

    /** Reads one row again and keeps others from changing it until the transaction ends. */
    public static boolean lockIfLive(Connection connection, TableName table) throws SQLException {
        return Sql.query(
                        connection,
                        row -> LanePosition.MAIN.equals(row.getString(1)),
                        "SELECT lane FROM replicator.table_state WHERE table_name = ? FOR UPDATE",
                        table.toString())
                .stream()
                .anyMatch(live -> live);
    }
}
