package dev.replicator.it;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Transfers between accounts of a small bank, from several connections: each moves money between two accounts and books
 * two entries, so invariants can be checked on any consistent copy. Started by the constructor. A master that is away
 * is waited for.
 */
public final class Traffic implements AutoCloseable {
    /** The bank's tables. */
    public static final String[] TABLES = {"bank.account", "bank.entry", "bank.note", "bank.audit"};
    /** Statements that make them. */
    public static final String SCHEMA =
            """
            CREATE SCHEMA bank;
            CREATE TABLE bank.account (id int PRIMARY KEY, owner text NOT NULL UNIQUE, balance bigint NOT NULL);
            CREATE TABLE bank.entry (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                account_id int NOT NULL REFERENCES bank.account ON DELETE CASCADE, amount bigint NOT NULL,
                booked timestamptz NOT NULL DEFAULT clock_timestamp());
            CREATE INDEX entry_account ON bank.entry (account_id);
            CREATE TABLE bank.note (id int PRIMARY KEY, reads int NOT NULL DEFAULT 0, body text);
            ALTER TABLE bank.note ALTER body SET STORAGE EXTERNAL;
            CREATE TABLE bank.audit (account_id int, delta bigint);
            ALTER TABLE bank.audit REPLICA IDENTITY FULL;
            CREATE FUNCTION bank.audited() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO bank.audit VALUES (NEW.id, NEW.balance - OLD.balance); RETURN NEW; END $$;
            CREATE TRIGGER audited AFTER UPDATE ON bank.account FOR EACH ROW WHEN (NEW.id % 10 = 0)
                EXECUTE FUNCTION bank.audited();
            INSERT INTO bank.account SELECT i, 'owner ' || i, 0 FROM generate_series(1, 200) i;
            INSERT INTO bank.note SELECT i, 0, repeat(md5(i::text), 100) FROM generate_series(1, 50) i;
            """;

    private final Callable<Connection> master;
    private final AtomicLong committed = new AtomicLong();
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean stopping;

    /** Begins on that many connections. */
    public Traffic(Callable<Connection> master, int connections) {
        this.master = master;
        for (int i = 0; i < connections; i++) {
            long seed = 7 + i;
            Thread thread = new Thread(() -> run(new Random(seed)), "traffic-" + i);
            threads.add(thread);
            thread.start();
        }
    }

    /** Transactions so far. */
    public long committed() {
        return committed.get();
    }

    /** Waits until that many more transactions have committed. */
    public void awaitTransactions(long more) {
        long goal = committed.get() + more;
        long deadline = System.nanoTime() + 120_000_000_000L;
        while (committed.get() < goal) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("the master committed nothing for two minutes");
            }
            LockSupport.parkNanos(10_000_000L);
        }
    }

    /** Ends the traffic; may be called twice. */
    public void finish() throws InterruptedException {
        stopping = true;
        for (Thread thread : threads) {
            thread.join();
        }
    }

    @Override
    public void close() {
        stopping = true;
    }

    private void run(Random random) {
        while (!stopping) {
            try (Connection connection = master.call();
                    Statement statement = connection.createStatement()) {
                connection.setAutoCommit(false);
                while (!stopping) {
                    transaction(statement, random);
                    connection.commit();
                    committed.incrementAndGet();
                    LockSupport.parkNanos(3_000_000L);
                }
            } catch (Exception masterAway) {
                LockSupport.parkNanos(100_000_000L);
            }
        }
    }

    private static void transaction(Statement statement, Random random) throws SQLException {
        int from = 1 + random.nextInt(200);
        int to = 1 + random.nextInt(200);
        int amount = random.nextInt(1000);
        statement.execute("SELECT 1 FROM bank.account WHERE id IN (" + from + ", " + to + ") ORDER BY id FOR UPDATE");
        statement.execute("UPDATE bank.account SET balance = balance - " + amount + " WHERE id = " + from);
        statement.execute("UPDATE bank.account SET balance = balance + " + amount + " WHERE id = " + to);
        statement.execute("INSERT INTO bank.entry (account_id, amount) VALUES (" + from + ", " + -amount + "), (" + to
                + ", " + amount + ")");
        if (random.nextInt(4) == 0) {
            statement.execute("UPDATE bank.note SET reads = reads + 1 WHERE id = " + (1 + random.nextInt(50)));
        }
        if (random.nextInt(20) == 0) {
            statement.execute("UPDATE bank.account SET owner = owner || '''' WHERE id = " + from);
        }
    }
}
