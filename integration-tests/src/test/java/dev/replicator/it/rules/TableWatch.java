package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A reader of a slave that counts a table's rows again and again: old rows stay in service at every moment. */
final class TableWatch implements AutoCloseable {
    private final Connection connection;
    private final String table;
    private final long fewest;
    private final CountDownLatch looked = new CountDownLatch(3);
    private final Thread thread;
    private volatile boolean closing;
    private volatile String violation = "";

    /** @param fewest what the reader may never see less of */
    TableWatch(Connection connection, String table, long fewest) {
        this.connection = connection;
        this.table = table;
        this.fewest = fewest;
        this.thread = new Thread(this::watch, "watch " + table);
        thread.setDaemon(true);
        thread.start();
    }

    private void watch() {
        try (Statement statement = connection.createStatement()) {
            while (!closing) {
                try (ResultSet result = statement.executeQuery("SELECT count(*) FROM " + table)) {
                    result.next();
                    if (result.getLong(1) < fewest) {
                        violation = result.getLong(1) + " rows in " + table + ", not the " + fewest + " it had";
                        return;
                    }
                }
                looked.countDown();
            }
        } catch (SQLException e) {
            violation = "reading " + table + " failed: " + e.getMessage();
        }
    }

    /** Ends the reader; fails if it ever saw too little. */
    void assertServedAllAlong() throws InterruptedException {
        assertTrue(looked.await(60, TimeUnit.SECONDS) || !violation.isEmpty(), "the reader has looked");
        closing = true;
        thread.join();
        assertEquals("", violation);
    }

    @Override
    public void close() throws SQLException {
        closing = true;
        connection.close();
    }
}
