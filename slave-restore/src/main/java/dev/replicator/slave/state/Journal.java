package dev.replicator.slave.state;

import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/** Conflicts and executed commands: what an operator asks about afterwards. */
public final class Journal {
    private Journal() {}

    /**
     * A conflict on record.
     *
     * @param resolution parked, stopped, skipped or overwritten
     */
    public record Entry(long seq, TableName table, String kind, String detail, String resolution, long atMicros) {}

    /**
     * A command that was executed.
     *
     * @param failure why it could not be done; empty when it was
     */
    public record Done(String id, Optional<String> failure) {}

    /** Records a conflict. {@code rowImage} is JSON or null; it is stored, never logged. */
    public static void conflict(
            Connection connection,
            long seq,
            TableName table,
            String kind,
            String detail,
            String resolution,
            String rowImage)
            throws SQLException {
        Sql.update(
                connection,
                "INSERT INTO replicator.conflict (seq, table_name, kind, detail, resolution, row_image)"
                        + " VALUES (?, ?, ?, ?, ?, ?::jsonb)",
                seq,
                table.toString(),
                kind,
                detail,
                resolution,
                rowImage);
    }

    /** The newest conflicts, newest first. */
    public static List<Entry> newest(Connection connection, int count) throws SQLException {
        return Sql.query(
                connection,
                row -> new Entry(
                        row.getLong(1),
                        TableName.parse(row.getString(2)),
                        row.getString(3),
                        row.getString(4),
                        row.getString(5),
                        row.getLong(6)),
                "SELECT seq, table_name, kind, detail, resolution, (extract(epoch FROM at) * 1000000)::bigint"
                        + " FROM replicator.conflict ORDER BY id DESC LIMIT ?",
                count);
    }

    /**
     * Books a command, so that it is executed once however often it is sent.
     *
     * @return false when it was executed before
     */
    public static boolean begin(Connection connection, String id, String action) throws SQLException {
        return Sql.update(
                        connection,
                        "INSERT INTO replicator.command (id, action) VALUES (?, ?) ON CONFLICT DO NOTHING",
                        id,
                        action)
                == 1;
    }

    /** Books that a command cannot be done. */
    public static void failed(Connection connection, String id, String action, String failure) throws SQLException {
        Sql.update(
                connection,
                "INSERT INTO replicator.command (id, action, failure) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                id,
                action,
                failure);
    }

    /** Commands executed during the last day; older ones are forgotten by the forwarder, too. */
    public static List<Done> recentCommands(Connection connection) throws SQLException {
        return Sql.query(
                connection,
                row -> new Done(row.getString(1), Optional.ofNullable(row.getString(2))),
                "SELECT id, failure FROM replicator.command WHERE at > now() - interval '1 day' ORDER BY at DESC LIMIT 200");
    }
}
