package dev.replicator.launcher.bench;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;

/**
 * Clients that write transactions of {@link LagWorkload}, each at the time that a schedule gives it: a transaction that
 * takes long delays none of the others' times (open loop). One that is late goes at once.
 */
final class PacedWriters {
    private static final int CLIENTS = 4;

    private final BenchServer server;
    private final String database;
    private final String synchronousCommit;

    /** @param synchronousCommit the writers' setting */
    PacedWriters(BenchServer server, String database, String synchronousCommit) {
        this.server = server;
        this.database = database;
        this.synchronousCommit = synchronousCommit;
    }

    /** One client's work, with its own connection. */
    private interface Client {
        long run(PreparedStatement statement, int client) throws SQLException;
    }

    /** Writes transactions {@code first} to {@code first + count - 1}, {@code rate} of them per second. */
    void write(long first, long count, int rate) throws Exception {
        long start = System.nanoTime();
        all((statement, client) -> {
            SplittableRandom random = new SplittableRandom(first + client);
            for (long i = client; i < count; i += CLIENTS) {
                awaitTime(start + i * 1_000_000_000L / rate);
                LagWorkload.write(statement, first + i, random);
            }
            return count;
        });
    }

    /** Writes from {@code first} on for so long as fast as it goes; transactions per second. */
    int measureMost(long first, int seconds) throws Exception {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        long written = all((statement, client) -> {
            SplittableRandom random = new SplittableRandom(first + client);
            long done = 0;
            while (System.nanoTime() < end) {
                LagWorkload.write(statement, first + client + CLIENTS * done++, random);
            }
            return done;
        });
        return (int) (written / seconds);
    }

    private static void awaitTime(long nanoTime) {
        long left = nanoTime - System.nanoTime();
        while (left > 0) {
            LockSupport.parkNanos(left);
            left = nanoTime - System.nanoTime();
        }
    }

    /** Sum of what the clients return. */
    private long all(Client client) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(CLIENTS);
        try {
            List<Callable<Long>> work = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                int number = i;
                work.add(() -> connected(client, number));
            }
            long sum = 0;
            for (Future<Long> result : threads.invokeAll(work)) {
                sum += result.get();
            }
            return sum;
        } finally {
            threads.shutdownNow();
        }
    }

    private long connected(Client client, int number) throws SQLException {
        try (Connection connection = server.connect(database);
                Statement settings = connection.createStatement();
                PreparedStatement statement = connection.prepareStatement(LagWorkload.CALL)) {
            settings.execute("SET synchronous_commit = " + synchronousCommit);
            return client.run(statement, number);
        }
    }
}
