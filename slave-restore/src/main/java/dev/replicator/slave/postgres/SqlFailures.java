package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.postgresql.PGConnection;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Sorts SQL failures by SQLSTATE, never by text (rule R23). */
public final class SqlFailures {
    private static final Set<String> SERVER_GONE = Set.of("57P01", "57P02", "57P03", "57P05");

    /** Classes whose primary messages hold no row values; details may, and are never told. */
    private static final Set<String> NAMES_ONLY =
            Set.of("08", "0A", "23", "28", "3D", "40", "42", "53", "55", "57", "58");

    private SqlFailures() {}

    /** What to do about a failed statement. */
    public enum Kind {
        /** Roll back, back off, repeat: nothing is wrong with the rows. */
        WEATHER,
        /** The rows do not fit: careful replay, then the conflict policy. */
        CONFLICT,
        /** The table has to be mended: it is parked. */
        TABLE_ERROR,
        /** The session is lost: connect again and read the position again (rule R10). */
        CONNECTION
    }

    /** Classifies a failure; what is unknown is a table's error, never repeated for ever. */
    public static Kind classify(SQLException failure) {
        String state = failure.getSQLState();
        if (state == null || state.length() < 5) {
            return Kind.TABLE_ERROR;
        }
        if (SERVER_GONE.contains(state)) {
            return Kind.CONNECTION;
        }
        return switch (state.substring(0, 2)) {
            case "08", "28", "3D" -> Kind.CONNECTION;
            case "23" -> Kind.CONFLICT;
            case "40" -> state.equals("40002") ? Kind.CONFLICT : Kind.WEATHER;
                // 25: the session became read-only or timed out; 58: the server's operating system failed.
            case "25", "53", "57", "58" -> Kind.WEATHER;
            default -> state.equals("55P03") ? Kind.WEATHER : Kind.TABLE_ERROR;
        };
    }

    /** The table the server names in a failure, by the field of the protocol and not by text. */
    static Optional<TableName> table(SQLException failure) {
        ServerErrorMessage server = serverMessage(failure);
        if (server == null || server.getSchema() == null || server.getTable() == null) {
            return Optional.empty();
        }
        return Optional.of(new TableName(server.getSchema(), server.getTable()));
    }

    /** Whether a foreign key refused the rows. */
    public static boolean isForeignKey(SQLException failure) {
        // 23001: ON DELETE RESTRICT says so from 18 on.
        return "23503".equals(failure.getSQLState()) || "23001".equals(failure.getSQLState());
    }

    /** The foreign key that refused, as the statement that lets it wait for the end of the transaction; else empty. */
    static String deferForeignKey(SQLException failure) {
        ServerErrorMessage server = serverMessage(failure);
        Optional<TableName> child = table(failure);
        if (!isForeignKey(failure) || child.isEmpty() || server.getConstraint() == null) {
            return "";
        }
        return TargetForeignKey.defer(child.get(), server.getConstraint());
    }

    /** SQLSTATE and, where it holds names and no row values, the server's own primary message. */
    public static String describe(SQLException failure) {
        String state = failure.getSQLState();
        ServerErrorMessage server = serverMessage(failure);
        boolean namesOnly = state != null && NAMES_ONLY.stream().anyMatch(state::startsWith);
        if (namesOnly) {
            String message = server == null ? failure.getMessage() : server.getMessage();
            return message + " (SQLSTATE " + state + ")";
        }
        String column = server == null || server.getColumn() == null ? "" : ", column " + server.getColumn();
        return "SQLSTATE " + state + column;
    }

    private static ServerErrorMessage serverMessage(SQLException failure) {
        return failure instanceof PSQLException server ? server.getServerErrorMessage() : null;
    }

    /** The server process of a session, to be asked about while the session itself waits. */
    public static int backendPid(Connection session) throws SQLException {
        return session.unwrap(PGConnection.class).getBackendPID();
    }

    /**
     * Server processes that the given one waits for, read through another session.
     *
     * @return process ids, empty when it waits for nobody
     */
    public static List<Integer> blockingPids(Connection observer, int backendPid) throws SQLException {
        try (PreparedStatement statement = observer.prepareStatement("SELECT pg_blocking_pids(?)")) {
            statement.setInt(1, backendPid);
            try (ResultSet rows = statement.executeQuery()) {
                rows.next();
                Array pids = rows.getArray(1);
                return Arrays.asList((Integer[]) pids.getArray());
            }
        }
    }
}
