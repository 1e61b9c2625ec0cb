package dev.replicator.launcher.demo;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * What applications do on the master while everything else happens: small mixed transactions from several connections,
 * some of them rolled back, some with savepoints, at a bounded rate. {@link #finish()} ends it; the first error is
 * thrown there.
 */
final class DemoTraffic implements AutoCloseable {
    private static final int CONNECTIONS = 2;

    private final Callable<Connection> master;
    private final long pauseNanos;
    private final AtomicLong committed = new AtomicLong();
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean stopping;
    private volatile Exception failure;

    /**
     * @param master opens a connection to the master's database
     * @param transactionsPerSecond bound over all connections
     */
    DemoTraffic(Callable<Connection> master, int transactionsPerSecond) {
        this.master = master;
        this.pauseNanos = 1_000_000_000L * CONNECTIONS / transactionsPerSecond;
    }

    void start() {
        for (int i = 0; i < CONNECTIONS; i++) {
            long seed = 42 + i;
            Thread thread = new Thread(() -> run(seed), "demo-traffic-" + i);
            threads.add(thread);
            thread.start();
        }
    }

    /** Transactions committed so far. */
    long committed() {
        return committed.get();
    }

    /** Waits until that many transactions have committed since the start, or the traffic failed. */
    void awaitCommitted(long count) throws Exception {
        while (committed.get() < count && failure == null) {
            LockSupport.parkNanos(20_000_000L);
        }
        throwFailure();
    }

    /** Ends the traffic and waits for its last transaction; throws what ended it before. */
    void finish() throws Exception {
        stopping = true;
        for (Thread thread : threads) {
            thread.join();
        }
        throwFailure();
    }

    @Override
    public void close() {
        stopping = true;
    }

    private void throwFailure() throws Exception {
        if (failure != null) {
            throw failure;
        }
    }

    private void run(long seed) {
        Random random = new Random(seed);
        try (Connection connection = master.call()) {
            connection.setAutoCommit(false);
            while (!stopping) {
                if (transaction(connection, random)) {
                    committed.incrementAndGet();
                }
                LockSupport.parkNanos(pauseNanos);
            }
        } catch (Exception e) {
            failure = e;
        }
    }

    private static boolean transaction(Connection connection, Random random) throws SQLException {
        int dice = random.nextInt(100);
        if (dice < 40) {
            placeOrder(connection, random);
        } else if (dice < 60) {
            update(
                    connection,
                    "UPDATE shop.orders SET status = 'paid', total = total + 1 WHERE id = ?",
                    random,
                    10_000);
        } else if (dice < 70) {
            update(
                    connection,
                    "UPDATE shop.documents SET views = views + 1 WHERE title = 'Document ' || ?",
                    random,
                    300);
        } else if (dice < 78) {
            update(connection, "UPDATE shop.customers SET tier = 'gold', discount = 5 WHERE id = ?", random, 5_000);
        } else if (dice < 84) {
            update(
                    connection,
                    "UPDATE shop.products SET price = price + 0.01, flags = ~flags WHERE id = ?",
                    random,
                    2000);
        } else if (dice < 88) {
            update(connection, "UPDATE shop.salaries SET amount = amount + 1 WHERE id = ?", random, 500);
        } else if (dice < 92) {
            update(connection, "DELETE FROM shop.customers WHERE id = ?", random, 5_000);
        } else if (dice < 96) {
            withSavepoint(connection, random);
        } else {
            update(connection, "UPDATE shop.orders SET total = -1 WHERE id < ?", random, 50);
            connection.rollback();
            return false;
        }
        connection.commit();
        return true;
    }

    private static void placeOrder(Connection connection, Random random) throws SQLException {
        String order = "WITH o AS (INSERT INTO shop.orders (customer_id) SELECT id FROM shop.customers"
                + " WHERE id >= ? ORDER BY id LIMIT 1 RETURNING id)"
                + " INSERT INTO shop.order_lines SELECT o.id, l, 1 + (random() * 1999)::int, 2, 9.99"
                + " FROM o, generate_series(1, 3) l";
        update(connection, order, random, 4_000);
    }

    private static void withSavepoint(Connection connection, Random random) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(
                    "INSERT INTO shop.events (day, kind, payload) VALUES ('2026-11-20', 'kept', '{\"a\": 1}')");
            statement.execute("SAVEPOINT s");
            statement.execute("INSERT INTO shop.events (day, kind) VALUES ('2026-11-20', 'undone')");
            statement.execute("ROLLBACK TO SAVEPOINT s");
        }
        update(connection, "UPDATE shop.events SET day = day + 1 WHERE id = ? AND day < '2026-12-01'", random, 5_000);
    }

    private static void update(Connection connection, String sql, Random random, int keys) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setInt(1, 1 + random.nextInt(keys));
            statement.executeUpdate();
        }
    }
}
