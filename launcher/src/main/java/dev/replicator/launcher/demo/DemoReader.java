package dev.replicator.launcher.demo;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;

/** An application of a slave that polls a table all the time and remembers the fewest rows it ever saw. */
final class DemoReader implements AutoCloseable {
    private final Thread thread;
    private volatile boolean stopping;
    private volatile long fewest = Long.MAX_VALUE;
    private volatile long polls;
    private volatile Exception failure;

    DemoReader(Callable<Connection> slave, String countSql) {
        thread = new Thread(() -> run(slave, countSql), "demo-reader");
        thread.start();
    }

    long fewestRows() {
        return fewest;
    }

    long polls() {
        return polls;
    }

    /** Ends the reading; throws what ended it before. */
    void finish() throws Exception {
        stopping = true;
        thread.join();
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public void close() {
        stopping = true;
    }

    private void run(Callable<Connection> slave, String countSql) {
        try (Connection connection = slave.call();
                Statement statement = connection.createStatement()) {
            while (!stopping) {
                try (ResultSet result = statement.executeQuery(countSql)) {
                    result.next();
                    fewest = Math.min(fewest, result.getLong(1));
                    polls++;
                }
                LockSupport.parkNanos(5_000_000L);
            }
        } catch (Exception e) {
            failure = e;
        }
    }
}
