package dev.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.dumps.DumpManifest;
import dev.replicator.dumps.DumpState;
import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.queue.wire.DumpOrder;
import dev.replicator.queue.wire.DumpOrderTable;
import dev.replicator.queue.wire.MarkerOrder;
import dev.replicator.queue.wire.ToCapture;
import dev.replicator.runtime.Finding;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Capture and a forwarder: records, acknowledgements, marks and dumps. */
class ForwarderLinkIT {
    private static final AtomicInteger DATABASES = new AtomicInteger();
    private static EmbeddedPostgres server;

    @TempDir
    private Path directory;

    private CaptureFixture capture;
    private FakeForwarder forwarder;

    @BeforeAll
    static void startServer() throws Exception {
        server = EmbeddedPostgres.builder()
                .setting("synchronous_commit", "on")
                .setting("max_prepared_transactions", "10")
                .start();
    }

    @AfterAll
    static void stopServer() throws Exception {
        server.close();
    }

    @BeforeEach
    void database() throws Exception {
        forwarder = new FakeForwarder(directory.resolve("forwarder"));
        capture = new CaptureFixture(server, directory.resolve("spool"), "link" + DATABASES.incrementAndGet());
        capture.forwarder = Optional.of(forwarder.address());
        capture.sql("CREATE TABLE t (id int PRIMARY KEY, v text)");
    }

    @AfterEach
    void stop() throws Exception {
        capture.close();
        forwarder.close();
        capture.dropSlot();
    }

    @Test
    void shouldSendEveryTransactionOnceOverCutConnectionsAndRestarts() throws Exception {
        capture.startAndAwait("public.t");
        capture.sql("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)");
        awaitSeqs(1L, 2L);
        forwarder.cut();
        capture.sql("INSERT INTO t VALUES (3)");
        awaitSeqs(1L, 2L, 3L);
        capture.stop();
        capture.sql("INSERT INTO t VALUES (4)");
        capture.start();
        awaitSeqs(1L, 2L, 3L, 4L);
        assertTrue(forwarder.status.getMasterConnected());
        CaptureFixture.await("V reaches the tail", () -> forwarder.status.getVisibleSeq() == 4);
        CaptureFixture.await("tables are told", () -> forwarder.status.getTablesList().stream()
                .anyMatch(each -> each.getTable().equals("public.t") && each.getIncarnation() == 1));
    }

    @Test
    void shouldConfirmToTheMasterOnlyWhatTheForwarderHasWhenAsked() throws Exception {
        capture.confirm = CaptureConfig.Confirm.FORWARDER;
        capture.startAndAwait("public.t");
        capture.sql("INSERT INTO t VALUES (1)");
        awaitSeqs(1L);
        forwarder.acknowledging = false;
        String before = capture.query("SELECT pg_current_wal_lsn()");
        capture.sql("INSERT INTO t VALUES (2)");
        awaitSeqs(1L, 2L);
        assertEquals("f", confirmedPast(before));
        forwarder.acknowledging = true;
        capture.sql("INSERT INTO t VALUES (3)");
        CaptureFixture.await("the slot moves", () -> "t".equals(confirmedPast(before)));
    }

    @Test
    void r07ShouldGoOnWithTheForwardersHistoryAfterItsOwnWasLost() throws Exception {
        capture.confirm = CaptureConfig.Confirm.FORWARDER;
        capture.startAndAwait("public.t");
        capture.sql("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)");
        awaitSeqs(1L, 2L);
        capture.stop();
        capture.close();
        CaptureFixture other = new CaptureFixture(server, directory.resolve("fresh"), capture.database + "x") {
            @Override
            CaptureConfig config() {
                return withSpool(capture.config(), directory.resolve("fresh"));
            }
        };
        try (other) {
            int before = forwarder.hellos.size();
            other.start();
            capture.sql("INSERT INTO t VALUES (3)");
            awaitSeqs(1L, 2L, 3L);
            assertEquals(1, other.epoch().number());
            assertFalse(forwarder.hellos.get(before).hasTail());
        }
    }

    @Test
    void shouldAnswerMarks() throws Exception {
        capture.startAndAwait("public.t");
        CaptureFixture.await(
                "connected",
                () -> forwarder.send(ToCapture.newBuilder()
                        .setMarker(MarkerOrder.newBuilder().setMarker("w-1"))
                        .build()));
        CaptureFixture.await("the mark comes by", () -> forwarder.hasMarker("w-1"));
    }

    @Test
    void shouldReadAndSendADumpThatMeetsTheStream() throws Exception {
        capture.startAndAwait("public.t");
        capture.sql("INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 1000) n");
        awaitSeqs(1L);
        order("g1", "d-000001", "public.t");
        CaptureFixture.await("the dump is there", () -> state("d-000001") == DumpState.COMPLETE);
        DumpManifest manifest = forwarder.dumps.find("d-000001").orElseThrow().manifest();
        CaptureFixture.await(
                "its marker is there",
                () -> forwarder.hasMarker(manifest.boundary().markerId()));
        assertEquals(1000, manifest.rows());
        assertEquals(1, manifest.incarnation());
        assertTrue(manifest.boundary().includes(1, 0));
        String text = new String(
                forwarder.dumps.find("d-000001").orElseThrow().openText(1).readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(text.startsWith("1\tv1\n"), text.substring(0, 20));
        CaptureFixture.await(
                "nothing stays behind",
                () -> !directory.resolve("spool/dumps/d-000001").toFile().exists());
    }

    @Test
    void r15ShouldMarkEachSnapshotOfAGroupByItself() throws Exception {
        capture.startAndAwait("public.t");
        order("g1", "d-000001", "public.t");
        CaptureFixture.await("the first is there", () -> state("d-000001") == DumpState.COMPLETE);
        order("g1", "d-000002", "public.t");
        CaptureFixture.await("the second is there", () -> state("d-000002") == DumpState.COMPLETE);
        String first = forwarder
                .dumps
                .find("d-000001")
                .orElseThrow()
                .manifest()
                .boundary()
                .markerId();
        String second = forwarder
                .dumps
                .find("d-000002")
                .orElseThrow()
                .manifest()
                .boundary()
                .markerId();
        assertNotEquals(first, second, "one marker would settle the other snapshot's boundary too early");
        CaptureFixture.await("both are marked", () -> forwarder.hasMarker(first) && forwarder.hasMarker(second));
    }

    @Test
    void r01ShouldWaitForWhoeverWroteBeforeTheTableWasPublished() throws Exception {
        capture.startAndAwait("public.t");
        try (Connection early = server.connect(capture.database);
                Statement statement = early.createStatement()) {
            capture.sql("CREATE TABLE u (id int PRIMARY KEY)");
            early.setAutoCommit(false);
            // Written before the table joins, committed after: in the stream is only what comes later.
            statement.execute("INSERT INTO u VALUES (1)");
            capture.awaitCaptured("public.u");
            CaptureFixture.await("who is waited for", () -> forwarder.status.getTablesList().stream()
                    .anyMatch(each -> each.getTable().equals("public.u")
                            && each.getWaitingFor().contains("pid ")));
            order("g2", "d-000002", "public.u");
            CaptureFixture.await("the dump waits", () -> forwarder.status.getWaitingForList().stream()
                    .anyMatch(each -> each.contains("public.u")));
            statement.execute("INSERT INTO u VALUES (2)");
            early.commit();
        }
        CaptureFixture.await("the dump is there", () -> state("d-000002") == DumpState.COMPLETE);
        assertEquals(
                2, forwarder.dumps.find("d-000002").orElseThrow().manifest().rows());
    }

    @Test
    void r24ShouldRefuseDumpsOfTablesItDoesNotCapture() throws Exception {
        capture.sql("CREATE SCHEMA other", "CREATE TABLE other.secret (id int PRIMARY KEY)");
        capture.startAndAwait("public.t");
        order("g3", "d-000003", "other.secret");
        CaptureFixture.await("it is refused", () -> forwarder.failures.stream()
                .anyMatch(each -> each.getDumpId().equals("d-000003")
                        && !each.getRetry()
                        && each.getReason().equals("capture's tables: does not have other.secret")));
    }

    @Test
    void r17ShouldSayThatOneTransactionTakesMoreThanTheSpoolMay() throws Exception {
        capture.spoolMaxBytes = 3 << 20;
        capture.largeBytes = 1 << 20;
        capture.startAndAwait("public.t");
        capture.sql(
                "INSERT INTO t SELECT n, (SELECT string_agg(md5((n * m)::text), '') FROM generate_series(1, 1000) m)"
                        + " FROM generate_series(1000, 1600) n");
        CaptureFixture.await("the operator is told", () -> capture.daemon()
                .board()
                .toWire(0)
                .getError()
                .equals("one transaction of the master takes more than queue.max-size, 3.0 MiB: raise it and start"
                        + " capture again"));
    }

    @Test
    void shouldStopReadingWhenTheSpoolIsFullAndGoOnLater() throws Exception {
        capture.spoolMaxBytes = 3 << 20;
        capture.startAndAwait("public.t");
        capture.sql("INSERT INTO t VALUES (0)");
        awaitSeqs(1L);
        forwarder.acknowledging = false;
        for (int i = 1; i <= 60; i++) {
            capture.sql("INSERT INTO t SELECT " + i + ", string_agg(md5((n * " + i
                    + ")::text), '') FROM generate_series(1, 4000) n");
        }
        CaptureFixture.await("the spool is full", () -> capture.daemon().board().state() == CaptureState.SPOOL_FULL);
        forwarder.acknowledging = true;
        forwarder.cut();
        CaptureFixture.await("everything came", () -> forwarder.seqs().size() == 61);
        assertEquals(CaptureState.STREAMING, capture.daemon().board().state());
    }

    @Test
    void shouldFindInPreflightWhatIsMissing() throws Exception {
        capture.sql(
                "CREATE TABLE keyless (v int)",
                "CREATE ROLE poor" + capture.database + " LOGIN",
                "CREATE TABLE p (id int) PARTITION BY RANGE (id)");
        CaptureConfig config = capture.config();
        List<Finding> asOwner = CapturePreflight.check(config);
        assertTrue(asOwner.stream().anyMatch(each -> each.subject().equals("public.keyless") && each.blocking()));
        assertTrue(asOwner.stream().anyMatch(each -> each.subject().equals("public.p") && each.blocking()));
        assertTrue(asOwner.stream().noneMatch(each -> each.subject().equals("public.t")));
        CaptureConfig.Source source = config.source();
        CaptureConfig poor = withSource(
                config,
                new CaptureConfig.Source(
                        source.url(),
                        "poor" + capture.database,
                        source.password(),
                        source.slot(),
                        source.publication(),
                        source.decodingBytes()));
        List<String> fixes =
                CapturePreflight.check(poor).stream().map(Finding::fix).toList();
        assertTrue(fixes.stream().anyMatch(each -> each.contains("REPLICATION")), fixes.toString());
        assertTrue(fixes.stream().anyMatch(each -> each.contains("GRANT CREATE ON DATABASE")), fixes.toString());
        assertTrue(fixes.stream().anyMatch(each -> each.contains("GRANT SELECT")), fixes.toString());
    }

    private static CaptureConfig withSource(CaptureConfig config, CaptureConfig.Source source) {
        return new CaptureConfig(
                config.cluster(),
                source,
                config.tables(),
                config.allowFullIdentity(),
                config.confirm(),
                config.queue(),
                config.spoolMaxBytes(),
                config.forwarder(),
                config.dumps(),
                config.http());
    }

    private static CaptureConfig withSpool(CaptureConfig config, Path spool) {
        return new CaptureConfig(
                config.cluster(),
                config.source(),
                config.tables(),
                config.allowFullIdentity(),
                config.confirm(),
                dev.replicator.queue.store.QueueOptions.of(spool),
                config.spoolMaxBytes(),
                config.forwarder(),
                new CaptureConfig.Dumps(
                        spool.resolve("dumps"), 1, config.dumps().lockWait(), 1 << 30),
                config.http());
    }

    private void order(String group, String dumpId, String table) throws Exception {
        CaptureFixture.await(
                "connected",
                () -> forwarder.send(ToCapture.newBuilder()
                        .setDump(DumpOrder.newBuilder()
                                .setGroup(group)
                                .addTables(DumpOrderTable.newBuilder()
                                        .setDumpId(dumpId)
                                        .setTable(table)))
                        .build()));
    }

    private DumpState state(String dumpId) {
        return forwarder.dumps.find(dumpId).map(each -> each.state()).orElse(null);
    }

    private String confirmedPast(String lsn) throws Exception {
        return capture.query("SELECT confirmed_flush_lsn > '" + lsn
                + "' FROM pg_replication_slots WHERE slot_name = 'replicator_" + capture.database + "'");
    }

    private void awaitSeqs(Long... seqs) throws Exception {
        CaptureFixture.await(
                "the forwarder has " + List.of(seqs), () -> forwarder.seqs().size() >= seqs.length);
        assertEquals(List.of(seqs), forwarder.seqs());
    }
}
