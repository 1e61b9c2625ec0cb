package dev.replicator.it;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;

/**
 * Reads the bank's tables on a slave again and again in repeatable-read transactions. Money is neither made nor lost in
 * the bank and entries are only added, so every consistent state fulfils: sum of balances is 0 over all accounts and
 * the number of entries never falls.
 */
public final class ReaderProbe implements AutoCloseable {
    private final Thread thread;
    private volatile boolean stopping;
    private volatile String violation = "";
    private volatile long polls;

    /** Begins to read. */
    public ReaderProbe(Callable<Connection> slave) {
        thread = new Thread(() -> run(slave), "reader-probe");
        thread.start();
    }

    /** Empty while all was well. */
    public String violation() {
        return violation;
    }

    /** How often it has read. */
    public long polls() {
        return polls;
    }

    @Override
    public void close() {
        stopping = true;
    }

    private void run(Callable<Connection> slave) {
        long entriesBefore = 0;
        try (Connection connection = slave.call();
                Statement statement = connection.createStatement()) {
            while (!stopping && violation.isEmpty()) {
                try (ResultSet result = statement.executeQuery(
                        "SELECT (SELECT count(*) FROM bank.account WHERE id <= 200),"
                                + " (SELECT sum(balance) FROM bank.account WHERE id <= 200),"
                                + " (SELECT count(*) FROM bank.entry), (SELECT coalesce(sum(amount), 0) FROM bank.entry)")) {
                    result.next();
                    check(result, entriesBefore);
                    entriesBefore = result.getLong(3);
                }
                polls++;
                LockSupport.parkNanos(2_000_000L);
            }
        } catch (Exception e) {
            violation = "reader failed: " + e;
        }
    }

    private void check(ResultSet result, long entriesBefore) throws java.sql.SQLException {
        if (result.getLong(1) != 200) {
            violation = "saw " + result.getLong(1) + " of 200 accounts";
        } else if (result.getLong(2) != 0) {
            violation = "balances add up to " + result.getLong(2) + ", not 0";
        } else if (result.getLong(3) < entriesBefore) {
            violation = "entries fell from " + entriesBefore + " to " + result.getLong(3);
        } else if (result.getLong(4) != 0) {
            violation = "entries add up to " + result.getLong(4) + ", not 0";
        }
    }
}
