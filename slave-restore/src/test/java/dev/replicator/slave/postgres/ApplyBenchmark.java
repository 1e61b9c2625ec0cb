package dev.replicator.slave.postgres;

import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.ValueEncoding;
import dev.replicator.queue.format.TableSchemas;
import dev.replicator.slave.netting.FallbackMemory;
import java.lang.management.ManagementFactory;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Measures the apply engine alone: pgbench's TPC-B transactions (three updates, one insert) handed over in memory,
 * applied over one connection. Not part of the build; run it with {@code mvn -pl slave-restore -am
 * -Dtest=ApplyBenchmark -Dsurefire.failIfNoSpecifiedTests=false test} with {@code
 * REPLICATOR_TEST_LOG_LEVEL=INFO}.
 */
class ApplyBenchmark {
    private static final Logger LOG = LoggerFactory.getLogger(ApplyBenchmark.class);
    private static final int SCALE = 10;
    private static final int TRANSACTIONS = 100_000;
    private static final int PER_COMMIT = 1000;

    private final Random random = new Random(42);
    private final int[] accounts = new int[SCALE * 100_000 + 1];
    private final int[] tellers = new int[SCALE * 10 + 1];
    private final int[] branches = new int[SCALE + 1];

    @Test
    void measure() throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.builder()
                .durable(true)
                .setting("shared_buffers", "256MB")
                .setting("max_wal_size", "4GB")
                .start()) {
            server.execute(
                    "postgres",
                    "CREATE TABLE accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84))",
                    "CREATE TABLE tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84))",
                    "CREATE TABLE branches (bid int PRIMARY KEY, bbalance int, filler char(88))",
                    "CREATE TABLE history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))",
                    "INSERT INTO accounts SELECT i, (i - 1) / 100000 + 1, 0, '' FROM generate_series(1, 100000 * "
                            + SCALE + ") i",
                    "INSERT INTO tellers SELECT i, (i - 1) / 10 + 1, 0, NULL FROM generate_series(1, 10 * " + SCALE
                            + ") i",
                    "INSERT INTO branches SELECT i, 0, NULL FROM generate_series(1, " + SCALE + ") i",
                    "VACUUM ANALYZE",
                    "CHECKPOINT");
            String url = "jdbc:postgresql://127.0.0.1:" + server.port() + "/postgres";
            try (Connection session = TargetSession.open(url, EmbeddedPostgres.USER, null, "benchmark")) {
                session.setAutoCommit(false);
                for (int copyRows : new int[] {100, 100, 1_000_000, 1, 100}) {
                    run(session, copyRows);
                }
            }
        }
    }

    private void run(Connection session, int copyRows) throws Exception {
        TableBinding account = bind(session, "accounts", 'd', "aid bid abalance filler");
        TableBinding teller = bind(session, "tellers", 'd', "tid bid tbalance filler");
        TableBinding branch = bind(session, "branches", 'd', "bid bbalance filler");
        TableBinding history = bind(session, "history", 'f', "tid bid aid delta mtime filler");
        String filler = " ".repeat(84);
        ProcessHandle backend =
                ProcessHandle.of(SqlFailures.backendPid(session)).orElseThrow();
        long backendCpu = cpuMillis(backend);
        long ownCpu = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() / 1_000_000;
        long began = System.nanoTime();
        ApplyOptions options = new ApplyOptions(64 << 20, copyRows);
        try (BatchApplier applier = new BatchApplier(session, options, new FallbackMemory())) {
            for (int i = 1; i <= TRANSACTIONS; i++) {
                int aid = 1 + random.nextInt(accounts.length - 1);
                int tid = 1 + random.nextInt(tellers.length - 1);
                int bid = 1 + random.nextInt(SCALE);
                int delta = random.nextInt(10_000) - 5000;
                accounts[aid] += delta;
                tellers[tid] += delta;
                branches[bid] += delta;
                applier.add(account, update(aid, (aid - 1) / 100_000 + 1, accounts[aid], filler));
                applier.add(teller, update(tid, (tid - 1) / 10 + 1, tellers[tid], null));
                applier.add(branch, update(bid, branches[bid], null));
                applier.add(history, new RowChange(ChangeKind.INSERT, null, new Object[] {
                    tid, bid, aid, delta, "2026-11-20 22:00:00.123456", null
                }));
                if (i % PER_COMMIT == 0) {
                    applier.finish();
                    session.commit();
                }
            }
            long millis = (System.nanoTime() - began) / 1_000_000;
            LOG.info(
                    "copy from {} rows: {} transactions in {} ms (CPU: server {} ms, here {} ms), {}",
                    copyRows,
                    TRANSACTIONS,
                    millis,
                    cpuMillis(backend) - backendCpu,
                    ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() / 1_000_000 - ownCpu,
                    applier.stats());
        }
        try (Statement statement = session.createStatement()) {
            statement.execute("TRUNCATE public.history");
        }
        session.commit();
    }

    private static long cpuMillis(ProcessHandle process) {
        return process.info().totalCpuDuration().orElse(Duration.ZERO).toMillis();
    }

    private static RowChange update(Object... image) {
        return new RowChange(ChangeKind.UPDATE, null, image);
    }

    private static TableBinding bind(Connection session, String table, char identity, String columns) throws Exception {
        String[] names = columns.split(" ");
        ColumnSchema[] schema = new ColumnSchema[names.length];
        for (int i = 0; i < names.length; i++) {
            boolean text = names[i].equals("filler") || names[i].equals("mtime");
            schema[i] = new ColumnSchema(
                    names[i],
                    text ? "text" : "int4",
                    text ? 25 : 23,
                    -1,
                    i == 0 || identity == 'f',
                    text ? ValueEncoding.TEXT : ValueEncoding.INT);
        }
        TableName name = new TableName("public", table);
        TableSchema stream = TableSchemas.create(table.hashCode(), name, 1, identity, List.of(schema));
        return TableBinding.of(stream, TargetCatalog.load(session, name));
    }
}
