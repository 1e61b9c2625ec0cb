package dev.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.RecordKind;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the master does is what stands in the spool: on a real server, with real restarts. */
class MasterReaderIT {
    private static final AtomicInteger DATABASES = new AtomicInteger();
    private static EmbeddedPostgres server;

    @TempDir
    private Path directory;

    private CaptureFixture capture;

    @BeforeAll
    static void startServer() throws Exception {
        server = EmbeddedPostgres.builder()
                // Commits are in the log when they return: the tests ask how far the log reaches.
                .setting("synchronous_commit", "on")
                .setting("max_prepared_transactions", "10")
                .setting("max_replication_slots", "40")
                .setting("max_wal_senders", "40")
                .start();
    }

    @AfterAll
    static void stopServer() throws Exception {
        server.close();
    }

    @BeforeEach
    void database() throws Exception {
        capture = new CaptureFixture(server, directory.resolve("spool"), "reader" + DATABASES.incrementAndGet());
    }

    @AfterEach
    void stop() throws Exception {
        capture.close();
        capture.dropSlot();
    }

    @Test
    void shouldCaptureRowChangesInOrderWithTypedValues() throws Exception {
        capture.sql(
                "CREATE TABLE t (id int PRIMARY KEY, small smallint, big bigint, flag bool, bin bytea, amount numeric(10,2),"
                        + " note text, at timestamptz, tags text[])");
        capture.startAndAwait("public.t");
        capture.sql(
                "INSERT INTO t VALUES (1, -7, -9223372036854775808, true, '\\x00ff10', 12.50, 'häh', '2026-01-02 03:04:05+01', '{a,NULL}')",
                "INSERT INTO t (id) VALUES (2)",
                "UPDATE t SET flag = false, big = 9223372036854775807 WHERE id = 1",
                "UPDATE t SET id = 3 WHERE id = 2",
                "DELETE FROM t WHERE id = 3",
                "TRUNCATE t");
        capture.awaitAll();
        String unsent = "UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED";
        assertEquals(
                List.of(
                        "insert t +[1, -7, -9223372036854775808, true, [0, -1, 16], 12.50, häh, 2026-01-02 02:04:05+00, {a,NULL}]",
                        "insert t +[2, null, null, null, null, null, null, null, null]",
                        "update t +[1, -7, 9223372036854775807, false, [0, -1, 16], 12.50, häh, 2026-01-02 02:04:05+00, {a,NULL}]",
                        "update t -[2, " + unsent + "] +[3, null, null, null, null, null, null, null, null]",
                        "delete t -[3, " + unsent + "]",
                        "truncate t"),
                capture.changes());
    }

    @Test
    void shouldMarkToastedValuesThatAnUpdateLeftAlone() throws Exception {
        capture.sql(
                "CREATE TABLE w (id int PRIMARY KEY, big text, n int)", "ALTER TABLE w ALTER big SET STORAGE EXTERNAL");
        capture.startAndAwait("public.w");
        capture.sql("INSERT INTO w VALUES (1, repeat('x', 9000), 1)", "UPDATE w SET n = 2");
        capture.awaitAll();
        assertEquals("update w +[1, UNCHANGED, 2]", capture.changes().get(1));
    }

    @Test
    void shouldSendWholeOldRowsUnderFullIdentityAndIndexColumnsUnderIndexIdentity() throws Exception {
        capture.sql(
                "CREATE TABLE f (a int, b text)",
                "ALTER TABLE f REPLICA IDENTITY FULL",
                "CREATE TABLE i (id int PRIMARY KEY, code text NOT NULL, v int)",
                "CREATE UNIQUE INDEX i_code ON i (code)",
                "ALTER TABLE i REPLICA IDENTITY USING INDEX i_code");
        capture.startAndAwait("public.f", "public.i");
        capture.sql(
                "INSERT INTO f VALUES (1, NULL)",
                "UPDATE f SET b = 'x'",
                "DELETE FROM f",
                "INSERT INTO i VALUES (1, 'c', 1)",
                "UPDATE i SET id = 2",
                "DELETE FROM i");
        capture.awaitAll();
        assertEquals(
                List.of(
                        "insert f +[1, null]",
                        "update f -[1, null] +[1, x]",
                        "delete f -[1, x]",
                        "insert i +[1, c, 1]",
                        "update i +[2, c, 1]",
                        "delete i -[UNCHANGED, c, UNCHANGED]"),
                capture.changes());
    }

    @Test
    void shouldCaptureANewTableWhileTransactionsComeOneByOne() throws Exception {
        capture.sql("CREATE TABLE busy (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int)");
        capture.startAndAwait("public.busy");
        AtomicBoolean enough = new AtomicBoolean();
        CompletableFuture<Void> writing = CompletableFuture.runAsync(() -> {
            try (Connection connection = server.connect(capture.database);
                    Statement statement = connection.createStatement()) {
                while (!enough.get()) {
                    statement.execute("INSERT INTO busy (v) VALUES (1)");
                    // Too short for the reader to find nothing, too long to have looked around after the last one.
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(8));
                }
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
        try {
            capture.sql("CREATE TABLE later (id int PRIMARY KEY)");
            capture.awaitCaptured("public.later");
        } finally {
            enough.set(true);
        }
        writing.get();
    }

    @Test
    void shouldGiveOneBlockPerTableToATruncateOfSeveral() throws Exception {
        capture.sql("CREATE TABLE a (id int PRIMARY KEY)", "CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a)");
        capture.startAndAwait("public.a", "public.b");
        capture.sql("TRUNCATE a, b");
        capture.awaitAll();
        CaptureFixture.Captured truncate = capture.transactions().get(0);
        assertEquals(2, truncate.header().tables().size());
        assertEquals(2, truncate.changes().size());
    }

    @Test
    void shouldKnowPartitionsByTheirRoot() throws Exception {
        capture.sql(
                "CREATE TABLE p (id int PRIMARY KEY, v text) PARTITION BY RANGE (id)",
                "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
                "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)");
        capture.startAndAwait("public.p");
        capture.sql("INSERT INTO p VALUES (1, 'a'), (11, 'b')", "UPDATE p SET id = 12 WHERE id = 1", "TRUNCATE p");
        capture.awaitAll();
        assertEquals(
                List.of(
                        "insert p +[1, a]",
                        "insert p +[11, b]",
                        "delete p -[1, UNCHANGED]",
                        "insert p +[12, a]",
                        "truncate p"),
                capture.changes());
    }

    @Test
    void shouldNumberOnlyTransactionsWithChanges() throws Exception {
        capture.sql("CREATE TABLE t (id int PRIMARY KEY)", "CREATE SCHEMA other", "CREATE TABLE other.u (id int)");
        capture.startAndAwait("public.t");
        try (Connection connection = server.connect(capture.database);
                Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO other.u VALUES (1)");
            connection.setAutoCommit(false);
            statement.execute("INSERT INTO t VALUES (1)");
            connection.rollback();
            statement.execute("INSERT INTO t VALUES (2)");
            statement.execute("SAVEPOINT s");
            statement.execute("INSERT INTO t VALUES (3)");
            statement.execute("ROLLBACK TO SAVEPOINT s");
            statement.execute("SAVEPOINT s2");
            statement.execute("INSERT INTO t VALUES (4)");
            connection.commit();
            statement.execute("INSERT INTO t VALUES (5)");
            statement.execute("PREPARE TRANSACTION 'p5'");
            connection.commit();
            statement.execute("INSERT INTO t VALUES (6)");
            connection.commit();
            connection.setAutoCommit(true);
            statement.execute("COMMIT PREPARED 'p5'");
        }
        capture.awaitAll();
        assertEquals(
                List.of(List.of("insert t +[2]", "insert t +[4]"), List.of("insert t +[6]"), List.of("insert t +[5]")),
                capture.transactions().stream()
                        .map(CaptureFixture.Captured::changes)
                        .toList());
        assertEquals(
                List.of(1L, 2L, 3L),
                capture.transactions().stream().map(each -> each.header().seq()).toList());
        long current = Long.parseLong(capture.query("SELECT pg_current_xact_id()"));
        capture.transactions().forEach(each -> assertTrue(each.header().transactionId() < current));
    }

    @Test
    void shouldPassALargeTransactionWithoutHoldingIt() throws Exception {
        capture.largeBytes = 300 << 10;
        capture.sql("CREATE TABLE l (id int PRIMARY KEY, v text)", "CREATE TABLE s (id int PRIMARY KEY)");
        capture.startAndAwait("public.l", "public.s");
        capture.sql(
                "INSERT INTO s VALUES (1)",
                "INSERT INTO l SELECT n, md5(n::text) || md5((n * 7)::text) FROM generate_series(1, 30000) n",
                "INSERT INTO s VALUES (2)");
        capture.awaitAll();
        List<CaptureFixture.Captured> all = capture.transactions();
        assertEquals(
                List.of(1, 30000, 1),
                all.stream().map(each -> each.changes().size()).toList());
        assertEquals(
                "insert l +[30000, " + capture.query("SELECT v FROM l WHERE id = 30000") + "]",
                all.get(1).changes().get(29999));
        assertTrue(all.get(1).header().bodyLength() > capture.largeBytes);
    }

    @Test
    void shouldLetTheServerDecodeInTheMemoryThatIsConfigured() throws Exception {
        String spilled = "SELECT spill_txns FROM pg_stat_replication_slots WHERE slot_name = 'replicator_"
                + capture.database + "'";
        capture.sql("CREATE TABLE t (id int PRIMARY KEY, v text)");
        capture.startAndAwait("public.t");
        // In the server's default of 64 MiB there is no room for it.
        capture.sql("INSERT INTO t SELECT n, repeat('x', 1000) FROM generate_series(1, 70000) n");
        capture.awaitAll();
        capture.stop();
        CaptureFixture.await(
                "the server has counted it",
                () -> capture.query("SELECT total_txns FROM pg_stat_replication_slots WHERE slot_name = 'replicator_"
                                        + capture.database + "'")
                                .compareTo("0")
                        > 0);
        assertEquals("0", capture.query(spilled));
        capture.decodingBytes = 64 << 10;
        capture.start();
        capture.sql("INSERT INTO t SELECT n, 'y' FROM generate_series(100001, 102000) n");
        capture.awaitAll();
        // Read again from where capture had confirmed, it may be more than this one.
        CaptureFixture.await("it was too large", () -> Integer.parseInt(capture.query(spilled)) > 0);
    }

    @Test
    void shouldNotLoseOrRepeatAnythingOverRestarts() throws Exception {
        capture.sql("CREATE TABLE t (id int PRIMARY KEY)");
        capture.startAndAwait("public.t");
        int next = 1;
        for (int round = 0; round < 4; round++) {
            capture.sql("INSERT INTO t VALUES (" + next++ + ")", "INSERT INTO t VALUES (" + next++ + ")");
            if (round % 2 == 0) {
                capture.awaitAll();
            }
            capture.stop();
            capture.sql("INSERT INTO t VALUES (" + next++ + ")");
            capture.start();
        }
        capture.awaitAll();
        assertEquals(next - 1, capture.changes().size());
        for (int i = 1; i < next; i++) {
            assertEquals("insert t +[" + i + "]", capture.changes().get(i - 1));
            assertEquals(i, capture.transactions().get(i - 1).header().seq());
        }
    }

    @Test
    void shouldGoOnAfterTheMasterWasKilled() throws Exception {
        capture.sql("CREATE TABLE t (id int PRIMARY KEY)");
        capture.startAndAwait("public.t");
        capture.sql("INSERT INTO t VALUES (1)");
        server.kill9();
        server.startAgain();
        capture.sql("INSERT INTO t VALUES (2)");
        capture.awaitAll();
        assertEquals(List.of("insert t +[1]", "insert t +[2]"), capture.changes());
    }

    @Test
    void shouldLetNewTablesJoinAndRefuseThoseWithoutIdentity() throws Exception {
        capture.sql("CREATE TABLE t (id int PRIMARY KEY)");
        capture.startAndAwait("public.t");
        capture.sql("CREATE TABLE later (id int PRIMARY KEY)", "CREATE TABLE keyless (v int)");
        capture.awaitCaptured("public.later");
        CaptureFixture.await("keyless is refused", () -> capture.daemon().board().tables().values().stream()
                .anyMatch(each -> each.getTable().equals("public.keyless")
                        && each.getError().contains("ADD PRIMARY KEY")));
        capture.sql("INSERT INTO keyless VALUES (1)", "UPDATE keyless SET v = 2", "INSERT INTO later VALUES (1)");
        capture.awaitAll();
        assertEquals(List.of("insert later +[1]"), capture.changes());
        capture.sql("ALTER TABLE keyless ADD PRIMARY KEY (v)");
        capture.awaitCaptured("public.keyless");
        capture.sql("UPDATE keyless SET v = 3");
        capture.awaitAll();
        assertEquals("update keyless -[2] +[3]", capture.changes().get(1));
    }

    @Test
    void r21ShouldTakeOutATableThatLosesItsKey() throws Exception {
        capture.sql("CREATE TABLE t (id int PRIMARY KEY, v int)", "INSERT INTO t VALUES (1, 1)");
        capture.startAndAwait("public.t");
        capture.sql("ALTER TABLE t DROP CONSTRAINT t_pkey");
        CaptureFixture.await("t leaves the publication", () -> "0"
                .equals(capture.query("SELECT count(*) FROM pg_publication_tables WHERE tablename = 't'")));
        capture.sql("UPDATE t SET v = 2");
        capture.sql("ALTER TABLE t ADD PRIMARY KEY (id)");
        capture.awaitCaptured("public.t");
        CaptureFixture.await("another incarnation", () -> incarnation("t") == 2);
        capture.awaitAll();
        assertEquals(List.of(), capture.changes());
    }

    @Test
    void r08ShouldBeginANewIncarnationForWhatTheStreamDoesNotShow() throws Exception {
        capture.sql(
                "CREATE TABLE t (id int PRIMARY KEY, v int)",
                "INSERT INTO t VALUES (1, 1)",
                "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id)",
                "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
                "INSERT INTO p VALUES (1)");
        capture.startAndAwait("public.t", "public.p");
        capture.sql("VACUUM FULL t", "TRUNCATE p");
        check();
        capture.sql("ALTER TABLE t ADD harmless int");
        check();
        assertEquals(1, incarnation("t"));
        assertEquals(1, incarnation("p"));
        capture.sql("ALTER TABLE t ALTER v TYPE int USING v * 2", "TRUNCATE p1");
        check();
        CaptureFixture.await("rewritten", () -> incarnation("t") == 2);
        CaptureFixture.await("leaf truncated", () -> incarnation("p") == 2);
        capture.sql("CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)", "ALTER TABLE t RENAME TO t2");
        check();
        CaptureFixture.await("renamed", () -> incarnation("t2") == 3);
        assertEquals(2, incarnation("p"));
        capture.sql("DROP TABLE p1");
        check();
        CaptureFixture.await("leaf dropped", () -> incarnation("p") == 3);
        capture.sql("DROP TABLE t2", "CREATE TABLE t2 (id int PRIMARY KEY)");
        CaptureFixture.await("made again", () -> incarnation("t2") == 4);
    }

    @Test
    void r20ShouldConfirmIdlePositionsOnlyAfterAHeartbeat() throws Exception {
        capture.sql("CREATE TABLE t (id int PRIMARY KEY)", "CREATE SCHEMA other", "CREATE TABLE other.u (v text)");
        capture.startAndAwait("public.t");
        String before = capture.query("SELECT pg_current_wal_lsn()");
        capture.sql("INSERT INTO other.u SELECT repeat('x', 1000) FROM generate_series(1, 1000)");
        String after = capture.query("SELECT pg_current_wal_lsn()");
        CaptureFixture.await("the slot moves past what is not ours", () -> "t"
                .equals(capture.query("SELECT confirmed_flush_lsn >= '" + after
                        + "' FROM pg_replication_slots WHERE slot_name = 'replicator_" + capture.database + "'")));
        assertTrue(capture.records().stream()
                .anyMatch(each -> each.header().kind() == RecordKind.HEARTBEAT
                        && each.header().lsn() > dev.replicator.queue.Lsn.parse(before)));
        assertEquals(0, capture.daemon().spool().queue().durableTail().seq());
    }

    @Test
    void r15ShouldWriteMarkersAtTheirPlace() throws Exception {
        capture.sql("CREATE TABLE t (id int PRIMARY KEY)");
        capture.startAndAwait("public.t");
        capture.sql(
                "INSERT INTO t VALUES (1)",
                "SELECT pg_logical_emit_message(true, 'replicator', 'mark m1')",
                "SELECT pg_logical_emit_message(true, 'other', 'mark m2')",
                "INSERT INTO t VALUES (2)");
        capture.awaitAll();
        List<CaptureFixture.Captured> records = capture.records().stream()
                .filter(each -> each.header().isTransaction() || each.header().kind() == RecordKind.DUMP_MARKER)
                .toList();
        assertEquals(
                List.of(RecordKind.TRANSACTION, RecordKind.DUMP_MARKER, RecordKind.TRANSACTION),
                records.stream().map(each -> each.header().kind()).toList());
        assertEquals(1, records.get(1).header().seq());
    }

    @Test
    void r06ShouldDescribeATableInTheSameTermsBeforeAndInTheStream() throws Exception {
        capture.sql(
                "CREATE TYPE mood AS ENUM ('sad', 'ok')",
                "CREATE DOMAIN pos AS int CHECK (value > 0)",
                "CREATE TABLE t (id int PRIMARY KEY, c char(5), v varchar(7), n numeric(8,3), na numeric(8,3)[], b bit(3),"
                        + " ts timestamp(3), iv interval day to second(2), m mood, ms mood[], d pos, "
                        + "g int GENERATED ALWAYS AS (id) STORED)");
        capture.startAndAwait("public.t");
        int oid = Integer.parseInt(capture.query("SELECT 't'::regclass::oid::int"));
        Map<Integer, TableSchema> before = capture.daemon().spool().queue().schemasAt(0);
        capture.sql("INSERT INTO t (id, m) VALUES (1, 'ok')");
        capture.awaitAll();
        assertEquals(
                before.get(oid), capture.daemon().spool().queue().schemasAt(1).get(oid));
        assertEquals("numeric(8,3)[]", before.get(oid).columns().get(4).typeName());
        assertEquals(
                "interval day to second(2)", before.get(oid).columns().get(7).typeName());
    }

    @Test
    void r05ShouldStopWhenTheSlotIsGone() throws Exception {
        capture.sql("CREATE TABLE t (id int PRIMARY KEY)");
        capture.startAndAwait("public.t");
        capture.stop();
        capture.sql("SELECT pg_drop_replication_slot('replicator_" + capture.database + "')");
        capture.start();
        CaptureFixture.await("capture stops", () -> capture.daemon().board().state() == CaptureState.STOPPED);
        assertTrue(
                capture.daemon().board().error().contains("does not exist"),
                capture.daemon().board().error());
    }

    @Test
    void shouldGoOnWithANewEpochAndNumbersThatAreNotUsedTwice() throws Exception {
        capture.sql("CREATE TABLE t (id int PRIMARY KEY)");
        capture.startAndAwait("public.t");
        capture.sql("INSERT INTO t VALUES (1)");
        capture.awaitAll();
        assertEquals(1, capture.epoch().number());
        capture.stop();
        CaptureConfig config = capture.config();
        try (NewEpoch epoch = NewEpoch.open(
                config,
                new dev.replicator.capture.postgres.SourceSessions(
                        config.source().url(), config.source().user(), ""))) {
            assertTrue(epoch.unknownRange().contains("seq 1"), epoch.unknownRange());
            assertEquals(2, epoch.begin().epoch().number());
        }
        capture.startAndAwait("public.t");
        capture.sql("INSERT INTO t VALUES (2)");
        capture.awaitAll();
        assertEquals(2, capture.epoch().number());
        assertEquals(2, capture.daemon().spool().queue().durableTail().seq());
        assertEquals(2, incarnation("t"));
        assertFalse(capture.daemon().board().tables().isEmpty());
    }

    private void check() throws Exception {
        capture.awaitAll();
        assertTrue(capture.daemon().watcher().checkNow(java.time.Duration.ofSeconds(20)));
    }

    private int incarnation(String table) {
        return capture.daemon().board().tables().entrySet().stream()
                .filter(entry -> entry.getKey().table().equals(table))
                .mapToInt(entry -> entry.getValue().getIncarnation())
                .findFirst()
                .orElse(0);
    }
}
