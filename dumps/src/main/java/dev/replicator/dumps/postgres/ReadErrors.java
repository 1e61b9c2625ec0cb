package dev.replicator.dumps.postgres;

import java.sql.SQLException;

/** Turns what the server refused into what happened to the dump; judged by SQLSTATE alone. */
final class ReadErrors {
    private ReadErrors() {}

    static DumpReadException describe(String what, SQLException cause) {
        String state = cause.getSQLState() == null ? "" : cause.getSQLState();
        // In one line: the server's own hints stand in lines of their own, which tables of the admin command do not
        // show.
        String message = what + " failed: " + String.valueOf(cause.getMessage()).replaceAll("\\s*\\R\\s*", " ");
        switch (state) {
            case "42P01", "3F000", "42703" -> {
                return new TableChangedException(message + "; it changed after the snapshot was taken", cause);
            }
            case "55P03" -> {
                return new LockWaitException(message + "; somebody holds the table, it is read again later", cause);
            }
            case "42501" -> {
                return new DumpReadException(
                        message + "; the role needs SELECT on the table and on each of its partitions, USAGE on their"
                                + " schemas, and where one has row security: ALTER ROLE ... BYPASSRLS. `replicator"
                                + " preflight` with capture's file names what is missing",
                        false,
                        cause);
            }
            default -> {
                return new DumpReadException(message, isWeather(state), cause);
            }
        }
    }

    private static boolean isWeather(String state) {
        return state.isEmpty()
                || state.startsWith("08")
                || state.startsWith("40")
                || state.startsWith("53")
                || state.startsWith("57");
    }
}
