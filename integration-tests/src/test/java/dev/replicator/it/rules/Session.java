package dev.replicator.it.rules;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** One connection to a server, driven step by step: what a test's "T1" does. */
final class Session implements AutoCloseable {
    private final Connection connection;
    private final ExecutorService thread = Executors.newSingleThreadExecutor(work -> {
        Thread worker = new Thread(work, "session");
        worker.setDaemon(true);
        return worker;
    });

    Session(Connection connection) {
        this.connection = connection;
    }

    /** Executes statements one after another; {@code BEGIN} and {@code COMMIT} are statements too. */
    Session run(String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
        return this;
    }

    /** Executes a statement that is expected to wait; the future ends when the server answers. */
    Future<?> start(String sql) {
        return thread.submit(() -> run(sql));
    }

    /** First column of the first row, as text; null when there is no row. */
    String value(String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            return result.next() ? result.getString(1) : null;
        }
    }

    long number(String sql) throws SQLException {
        return Long.parseLong(value(sql));
    }

    /** Full id of the transaction that is open, assigned if it has none. */
    long transactionId() throws SQLException {
        return number("SELECT pg_current_xact_id()::text");
    }

    /** Process id of the server's backend. */
    long backend() throws SQLException {
        return number("SELECT pg_backend_pid()");
    }

    Connection connection() {
        return connection;
    }

    @Override
    public void close() throws SQLException {
        connection.close();
        thread.shutdownNow();
    }
}
