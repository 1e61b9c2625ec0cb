package dev.replicator.dumps.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.dumps.DumpStore;
import dev.replicator.dumps.StoredDump;
import dev.replicator.embedded.Await;
import dev.replicator.queue.TableName;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a dump reads, and when it refuses to. */
@Timeout(120)
final class SnapshotReadIT {
    private static Servers servers;

    @TempDir
    private Path directory;

    private DumpStore store;

    @BeforeAll
    static void startServers() throws Exception {
        servers = Servers.start();
    }

    @AfterAll
    static void stopServers() throws Exception {
        servers.close();
    }

    @BeforeEach
    void openStore() throws Exception {
        servers.reset();
        store = DumpStore.open(directory);
    }

    @AfterEach
    void closeStore() throws IOException {
        store.close();
    }

    @Test
    void r03ShouldReadWhatTheSnapshotSeesAndNothingLater() throws Exception {
        servers.run("master", "CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO t VALUES (1, 'a'), (2, 'b')");
        try (Connection open = servers.connect("master");
                Statement statement = open.createStatement()) {
            open.setAutoCommit(false);
            statement.execute("INSERT INTO public.t VALUES (3, 'in progress')");
            long inProgress = Long.parseLong(servers.value("master", "SELECT pg_snapshot_xmin(pg_current_snapshot())"));
            try (DumpSnapshot snapshot = servers.snapshot(ReadOptions.DEFAULT)) {
                open.commit();
                servers.run("master", "UPDATE t SET v = 'later'", "DELETE FROM t WHERE id = 2");
                assertFalse(snapshot.info().boundary(0, "m").isVisible(inProgress));
                try (TableRead table = snapshot.openTable(servers.oid("t"))) {
                    StoredDump dump = Servers.dump(store, "d-1", snapshot, table);
                    assertEquals(2, dump.manifest().rows());
                }
            }
        }
        servers.restore(store.find("d-1").orElseThrow());
        assertEquals(
                List.of(List.of("1", "a"), List.of("2", "b")),
                servers.rows("target", "SELECT * FROM public.t ORDER BY id"));
    }

    @Test
    void shouldReadABigTableInRangesWithoutLossByParallelReaders() throws Exception {
        servers.run(
                "master",
                "CREATE TABLE big (id bigint PRIMARY KEY, v text)",
                "INSERT INTO big SELECT i, repeat(md5(i::text), 4) FROM generate_series(1, 40000) i",
                "DELETE FROM big WHERE id % 7 = 0",
                "UPDATE big SET v = 'moved' WHERE id % 5 = 0");
        ReadOptions options =
                ReadOptions.DEFAULT.withParallel(3).withRangeBytes(1 << 20).withChunkBytes(256 << 10);
        try (DumpSnapshot snapshot = servers.snapshot(options)) {
            // Rows that come later lie behind the size at the time of reading and must not appear.
            servers.run("master", "INSERT INTO big SELECT i, 'x' FROM generate_series(100001, 140000) i");
            try (TableRead table = snapshot.openTable(servers.oid("big"))) {
                assertTrue(table.sizeBytes() > 4 << 20);
                StoredDump dump = Servers.dump(store, "d-1", snapshot, table);
                assertTrue(dump.chunks().size() > 10, dump.chunks().toString());
            }
        }
        servers.restore(store.find("d-1").orElseThrow());
        String sum = "SELECT count(*), md5(string_agg(id || v, ',' ORDER BY id)) FROM public.big WHERE id <= 100000";
        assertEquals(servers.rows("master", sum), servers.rows("target", sum));
        assertEquals("0", servers.value("target", "SELECT count(*) FROM public.big WHERE id > 100000"));
    }

    @Test
    void r03ShouldReadAPartitionedTableLeafByLeafInTheRootsColumnOrder() throws Exception {
        servers.run(
                "master",
                "CREATE TABLE p (id int, region text, amount numeric, PRIMARY KEY (id, region)) PARTITION BY LIST (region)",
                "CREATE TABLE p_eu PARTITION OF p FOR VALUES IN ('eu')",
                "CREATE TABLE p_us (amount numeric, junk int, region text NOT NULL, id int NOT NULL)",
                "ALTER TABLE p_us DROP COLUMN junk",
                "ALTER TABLE p ATTACH PARTITION p_us FOR VALUES IN ('us')",
                "CREATE TABLE p_rest PARTITION OF p DEFAULT PARTITION BY RANGE (id)",
                "CREATE TABLE p_rest_1 PARTITION OF p_rest FOR VALUES FROM (0) TO (1000)",
                "INSERT INTO p VALUES (1, 'eu', 10), (2, 'us', 20), (3, 'asia', 30)");
        StoredDump dump = servers.dump(store, "d-1", "p");
        servers.restore(dump);
        assertEquals(
                List.of(List.of("1", "eu", "10"), List.of("2", "us", "20"), List.of("3", "asia", "30")),
                servers.rows("target", "SELECT id, region, amount FROM public.p ORDER BY id"));
    }

    @Test
    void r03ShouldReadAnInheritanceParentWithoutItsChildren() throws Exception {
        servers.run(
                "master",
                "CREATE TABLE parent (id int PRIMARY KEY)",
                "CREATE TABLE child (extra text) INHERITS (parent)",
                "INSERT INTO parent VALUES (1)",
                "INSERT INTO child VALUES (2, 'x')");
        assertEquals(1, servers.dump(store, "d-1", "parent").manifest().rows());
        assertEquals(1, servers.dump(store, "d-2", "child").manifest().rows());
    }

    @Test
    void r03ShouldRefuseATableThatChangedAfterTheSnapshot() throws Exception {
        List<String> changes = List.of(
                "TRUNCATE t",
                "ALTER TABLE t ALTER v TYPE bigint",
                "ALTER TABLE t ADD c int",
                "ALTER TABLE t DROP v",
                "ALTER TABLE t RENAME v TO w",
                "ALTER TABLE t RENAME TO t2",
                "ALTER TABLE t ALTER v SET NOT NULL",
                "DROP TABLE t",
                "DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, v int)");
        for (String change : changes) {
            servers.run("master", "DROP TABLE IF EXISTS t, t2", "CREATE TABLE t (id int PRIMARY KEY, v int)");
            servers.run("master", "INSERT INTO t VALUES (1, 1)");
            long oid = servers.oid("t");
            try (DumpSnapshot snapshot = servers.snapshot(ReadOptions.DEFAULT)) {
                servers.run("master", change);
                TableChangedException refused =
                        assertThrows(TableChangedException.class, () -> snapshot.openTable(oid), change);
                assertTrue(refused.retry());
            }
        }
    }

    @Test
    void r03ShouldRefuseAPartitionedTableWhoseLeavesChangedAfterTheSnapshot() throws Exception {
        List<String> changes = List.of(
                "TRUNCATE p1",
                "DROP TABLE p1",
                "ALTER TABLE p DETACH PARTITION p1",
                "CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2)");
        for (String change : changes) {
            servers.run(
                    "master",
                    "DROP TABLE IF EXISTS p, p1, p2",
                    "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY LIST (id)",
                    "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)",
                    "INSERT INTO p VALUES (1)");
            long oid = servers.oid("p");
            try (DumpSnapshot snapshot = servers.snapshot(ReadOptions.DEFAULT)) {
                servers.run("master", change);
                assertThrows(TableChangedException.class, () -> snapshot.openTable(oid), change);
            }
        }
    }

    @Test
    void shouldNotDisturbATableThatWasOnlyUsedAfterTheSnapshot() throws Exception {
        servers.run("master", "CREATE TABLE t (id int PRIMARY KEY, v int)", "INSERT INTO t VALUES (1, 1)");
        try (DumpSnapshot snapshot = servers.snapshot(ReadOptions.DEFAULT)) {
            servers.run("master", "INSERT INTO t VALUES (2, 2)", "ANALYZE t", "VACUUM t", "CREATE INDEX ON t (v)");
            try (TableRead table = snapshot.openTable(servers.oid("t"))) {
                assertEquals(
                        1,
                        Servers.dump(store, "d-1", snapshot, table).manifest().rows());
            }
        }
    }

    @Test
    void r21ShouldGiveWayToSomebodyWhoWantsTheTableForHimself() throws Exception {
        servers.run("master", "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)");
        ReadOptions options = ReadOptions.DEFAULT.withLockPatience(Duration.ofMillis(300));
        try (DumpSnapshot snapshot = servers.snapshot(options);
                TableRead table = snapshot.openTable(servers.oid("t"))) {
            CompletableFuture<Void> alter = CompletableFuture.runAsync(() -> {
                try {
                    servers.run("master", "ALTER TABLE t ADD c int");
                } catch (SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
            alter.get(20, TimeUnit.SECONDS);
            LockWaitException gaveWay =
                    assertThrows(LockWaitException.class, () -> Servers.dump(store, "d-1", snapshot, table));
            assertTrue(gaveWay.retry());
        }
    }

    @Test
    void r21ShouldEndACopyInProgressThatKeepsSomebodyWaiting() throws Exception {
        servers.run(
                "master",
                "CREATE TABLE t (id int PRIMARY KEY, v text)",
                "INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, 30000) i");
        ReadOptions options =
                ReadOptions.DEFAULT.withLockPatience(Duration.ofMillis(300)).withChunkBytes(64 << 10);
        CompletableFuture<Void> alter = new CompletableFuture<>();
        try (DumpSnapshot snapshot = servers.snapshot(options);
                TableRead table = snapshot.openTable(servers.oid("t"))) {
            ReadProgress slow = (rows, bytes) -> {
                if (!alter.isDone()) {
                    alter.completeAsync(() -> {
                        try {
                            servers.run("master", "ALTER TABLE t ADD c int");
                            return null;
                        } catch (SQLException e) {
                            throw new IllegalStateException(e);
                        }
                    });
                    // The reader stands still here, in mid-COPY, until the other one got his lock.
                    Await.until("the ALTER", Duration.ofSeconds(20), alter::isDone);
                }
            };
            assertThrows(
                    LockWaitException.class,
                    () -> table.copyTo(
                            range -> store.find("d-1")
                                    .orElseGet(() -> draft(snapshot, table))
                                    .begin(range),
                            slow));
        }
        alter.get(20, TimeUnit.SECONDS);
        assertEquals(
                "0",
                servers.value(
                        "master", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'replicator dump'"));
    }

    private synchronized StoredDump draft(DumpSnapshot snapshot, TableRead table) {
        try {
            var known = store.find("d-1");
            return known.isPresent()
                    ? known.get()
                    : store.create(dev.replicator.dumps.DumpManifest.draft(
                            new dev.replicator.dumps.DumpManifest.Identity(
                                    "d-1", "g", "shop", dev.replicator.queue.Epoch.begin(1)),
                            table.schema(1),
                            table.definition(),
                            snapshot.info().boundary(0, "m"),
                            snapshot.info()));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void shouldNotWaitForeverForALock() throws Exception {
        servers.run("master", "CREATE TABLE t (id int PRIMARY KEY)");
        long oid = servers.oid("t");
        try (Connection owner = servers.connect("master");
                Statement statement = owner.createStatement();
                DumpSnapshot snapshot = servers.snapshot(ReadOptions.DEFAULT.withLockTimeout(Duration.ofMillis(200)))) {
            owner.setAutoCommit(false);
            statement.execute("LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE");
            assertThrows(LockWaitException.class, () -> snapshot.openTable(oid));
        }
    }

    @Test
    void r03ShouldReportALostSnapshot() throws Exception {
        servers.run("master", "CREATE TABLE t (id int PRIMARY KEY)");
        long oid = servers.oid("t");
        try (DumpSnapshot snapshot = servers.snapshot(ReadOptions.DEFAULT)) {
            servers.run(
                    "master",
                    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                            + " WHERE application_name = 'replicator dump snapshot'");
            SnapshotLostException lost = assertThrows(SnapshotLostException.class, () -> snapshot.openTable(oid));
            assertTrue(lost.retry());
        }
    }

    @Test
    void shouldFailWhereRowSecurityWouldHideRows() throws Exception {
        servers.run(
                "master",
                "CREATE TABLE t (id int PRIMARY KEY, owner text)",
                "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
                "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY mine ON t USING (owner = 'a')",
                "DROP ROLE IF EXISTS reader",
                "CREATE ROLE reader LOGIN",
                "GRANT SELECT ON t TO reader");
        long oid = servers.oid("t");
        try (DumpSnapshot snapshot = DumpSnapshot.open(
                () -> java.sql.DriverManager.getConnection(
                        "jdbc:postgresql://127.0.0.1:" + servers.server().port() + "/master", "reader", ""),
                ReadOptions.DEFAULT)) {
            DumpReadException refused = assertThrows(DumpReadException.class, () -> {
                try (TableRead table = snapshot.openTable(oid)) {
                    Servers.dump(store, "d-1", snapshot, table);
                }
            });
            assertFalse(refused.retry());
            assertTrue(refused.getMessage().contains("BYPASSRLS"), refused.getMessage());
        }
    }

    @Test
    void r03ShouldLetGoOfTheTableWithTheReadNotWithTheSnapshot() throws Exception {
        servers.run("master", "CREATE TABLE t (id int PRIMARY KEY)");
        try (DumpSnapshot snapshot = servers.snapshot(ReadOptions.DEFAULT)) {
            snapshot.openTable(servers.oid("t")).close();
            servers.run("master", "SET lock_timeout = '2s'; ALTER TABLE t ADD c int");
        }
    }

    @Test
    void shouldStopWhenProgressThrows() throws Exception {
        servers.run("master", "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 1000)");
        try (DumpSnapshot snapshot = servers.snapshot(ReadOptions.DEFAULT);
                TableRead table = snapshot.openTable(servers.oid("t"))) {
            StoredDump dump = draft(snapshot, table);
            IOException cancelled = assertThrows(
                    IOException.class,
                    () -> table.copyTo(dump, (rows, bytes) -> {
                        throw new IOException("cancelled at " + rows);
                    }));
            assertEquals("cancelled at 1000", cancelled.getMessage());
        }
    }

    @Test
    void shouldDescribeTheTableInTheStreamsTerms() throws Exception {
        servers.run(
                "master",
                "CREATE TYPE mood AS ENUM ('a')",
                "CREATE TABLE t (id bigint PRIMARY KEY, n numeric(10,2), m mood, b bytea, ok bool, gone int,"
                        + " twice bigint GENERATED ALWAYS AS (id * 2) STORED, tags text[])",
                "ALTER TABLE t DROP gone");
        try (DumpSnapshot snapshot = servers.snapshot(ReadOptions.DEFAULT);
                TableRead table = snapshot.openTable(servers.oid("t"))) {
            assertEquals(new TableName("public", "t"), table.name());
            assertEquals(
                    List.of(
                            "id int8 LONG true",
                            "n numeric TEXT false",
                            "m public.mood TEXT false",
                            "b bytea BYTES false",
                            "ok bool BOOLEAN false",
                            "tags _text TEXT false"),
                    table.schema(4).columns().stream()
                            .map(c -> c.name() + " " + c.typeName() + " " + c.encoding() + " " + c.identity())
                            .toList());
            assertEquals((10 << 16 | 2) + 4, table.schema(4).columns().get(1).typeModifier());
            assertEquals('d', table.schema(4).replicaIdentity());
            assertEquals(
                    table.definition().copyColumns(),
                    table.schema(4).columns().stream().map(c -> c.name()).toList());
        }
    }

    @Test
    void shouldReadTheSameTextWhateverTheDatabaseSets() throws Exception {
        servers.run(
                "master",
                "CREATE TABLE t (id int PRIMARY KEY, i interval, ts timestamptz, f float8, b bytea)",
                "INSERT INTO t VALUES (1, '-1 day +02:03', '2026-11-20 10:00+00', 0.1, '\\xff')",
                "CREATE INDEX i ON t (f)",
                "ALTER DATABASE master SET IntervalStyle = 'iso_8601'",
                "ALTER DATABASE master SET DateStyle = 'ISO, DMY'",
                "ALTER DATABASE master SET TimeZone = 'Asia/Tokyo'",
                "ALTER DATABASE master SET extra_float_digits = -10",
                "ALTER DATABASE master SET bytea_output = 'escape'",
                "ALTER DATABASE master SET quote_all_identifiers = on",
                "ALTER DATABASE master SET statement_timeout = '1h'",
                "ALTER DATABASE master SET lock_timeout = '1h'",
                "ALTER DATABASE master SET idle_in_transaction_session_timeout = '1h'",
                "ALTER DATABASE master SET transaction_timeout = '1h'",
                "ALTER DATABASE master SET synchronous_commit = 'remote_apply'",
                "ALTER DATABASE master SET search_path = public, pg_catalog");
        StoredDump dump = servers.dump(store, "d-1", "public.t");
        try (var text = dump.openText(1)) {
            assertEquals(
                    "1\t-1 days +02:03:00\t2026-11-20 10:00:00+00\t0.1\t\\\\xff\n",
                    new String(text.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8));
        }
        assertEquals(
                "USING btree (f)", dump.manifest().definition().indexes().get(0).definition());
        try (Connection connection = servers.server().connect("master");
                Statement statement = connection.createStatement()) {
            SessionPins.pinMaster(connection, "replicator test");
            var expected = SessionPins.settings(18);
            expected.put("synchronous_commit", "local");
            expected.put("application_name", "replicator test");
            for (var setting : expected.entrySet()) {
                try (var row = statement.executeQuery("SHOW " + setting.getKey())) {
                    row.next();
                    String shown = row.getString(1);
                    assertTrue(shown.equals(setting.getValue()) || shown.startsWith("ISO, "), setting + " is " + shown);
                }
            }
        }
    }
}
