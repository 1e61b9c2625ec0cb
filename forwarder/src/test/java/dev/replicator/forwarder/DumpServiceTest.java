package dev.replicator.forwarder;

import static dev.replicator.forwarder.TestStream.CUSTOMERS;
import static dev.replicator.forwarder.TestStream.ORDERS;
import static dev.replicator.forwarder.TestStream.row;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.wire.CaptureWelcome;
import dev.replicator.queue.wire.DumpFailed;
import dev.replicator.queue.wire.DumpOrder;
import dev.replicator.queue.wire.FromCapture;
import dev.replicator.queue.wire.RequireDumpsReply;
import dev.replicator.queue.wire.RequireDumpsRequest;
import dev.replicator.queue.wire.RequiredDump;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Dumps from request to restore, between a capture and slaves over real connections. */
final class DumpServiceTest {
    @TempDir
    private Path directory;

    private TestForwarder forwarder;
    private TestStream stream;
    private Position base;
    private TestCapture capture;

    @BeforeEach
    void start() throws Exception {
        forwarder = new TestForwarder(directory.resolve("forwarder"))
                .slave("reporting", "[public.orders]")
                .slave("mirror", "[\"public.*\"]")
                .start();
        stream = TestStream.begin();
        base = stream.position();
        capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.schema(CUSTOMERS), stream.transaction(row(ORDERS, "a")));
        capture.status(1, ORDERS, CUSTOMERS);
        capture.awaitAck(stream.position());
    }

    @AfterEach
    void stop() {
        forwarder.close();
    }

    private RequiredDump require(String slave, String table) {
        return require(slave, table, false);
    }

    private RequiredDump require(String slave, String table, boolean fresh) {
        RequireDumpsReply reply = forwarder
                .slaveCalls(slave)
                .requireDumps(RequireDumpsRequest.newBuilder()
                        .setSlave(slave)
                        .addTables(table)
                        .setFresh(fresh)
                        .build());
        return reply.getDumps(0);
    }

    /** Does what capture does on an order for one table. */
    private TestDump answer(DumpOrder order) throws Exception {
        TestDump dump = TestDump.of(directory.resolve("staging-" + order.getGroup()), order, base.epoch(), ORDERS, 1);
        capture.send(stream.marker(order.getGroup(), ORDERS));
        return dump;
    }

    @Test
    void shouldServeADumpWhileItArrivesAndToASlaveThatJoins() throws Exception {
        RequiredDump first = require("reporting", "public.orders");
        assertEquals("requested", first.getState());
        DumpOrder order = capture.awaitOrder(1);
        assertEquals(first.getDumpId(), order.getTables(0).getDumpId());
        RequiredDump joined = require("mirror", "public.orders");
        assertEquals(first.getDumpId(), joined.getDumpId());

        TestFetch fetch = new TestFetch(forwarder.channel("reporting"), "reporting", first.getDumpId());
        TestDump dump = TestDump.of(directory.resolve("staging"), order, base.epoch(), ORDERS, 3);
        TestUpload upload = new TestUpload(capture.channel(), dump);
        upload.sendChunk(1);
        fetch.awaitChunks(1);
        upload.sendChunk(2).sendChunk(3).sendManifest();
        fetch.awaitChunks(3);
        assertTrue(fetch.manifest() == null, "complete without its marker (R15)");

        capture.send(stream.marker(order.getGroup(), ORDERS));
        assertEquals(dump.manifest(), fetch.awaitManifest());
        assertEquals(dump.bytes(), fetch.bytes());
        TestFetch second = new TestFetch(forwarder.channel("mirror"), "mirror", first.getDumpId(), 1, 2);
        assertEquals(dump.manifest(), second.awaitManifest());
        assertEquals(List.of(3), second.chunks());
        assertEquals(1, capture.orders().size());
    }

    /** Capture died before it could send the SCHEMA record of what it had dumped: that number is taken all the same. */
    @Test
    void r07ShouldTellACaptureWithoutAHistoryTheIncarnationsOfDumpsToo() throws Exception {
        require("reporting", "public.orders");
        DumpOrder order = capture.awaitOrder(1);
        TableSchema next = ORDERS.withIncarnation(ORDERS.incarnation() + 1);
        TestDump dump = TestDump.of(directory.resolve("staging"), order, base.epoch(), next, 1);
        new TestUpload(capture.channel(), dump).sendChunk(1).awaitStored(1);

        CaptureWelcome welcome = forwarder.capture().hello(null, null).welcome();
        assertTrue(welcome.getSchemaRecordsList().stream()
                .map(record -> record.toString(StandardCharsets.ISO_8859_1))
                .anyMatch(record -> record.contains("\"incarnation\":" + next.incarnation())));
    }

    @Test
    void shouldResumeAnUploadAtAChunkAfterARestart() throws Exception {
        RequiredDump required = require("reporting", "public.orders");
        DumpOrder order = capture.awaitOrder(1);
        TestDump dump = TestDump.of(directory.resolve("staging"), order, base.epoch(), ORDERS, 3);
        new TestUpload(capture.channel(), dump).sendChunk(1).awaitStored(1);

        forwarder.restart();
        capture = forwarder.capture(base, stream).status(1, ORDERS, CUSTOMERS);
        DumpOrder again = capture.awaitOrder(1);
        assertEquals(order, again);
        TestUpload upload = new TestUpload(capture.channel(), dump);
        assertEquals(List.of(1), upload.held());
        upload.sendChunk(2).sendChunk(3).sendManifest();
        capture.send(stream.marker(order.getGroup(), ORDERS));
        TestFetch fetch = new TestFetch(forwarder.channel("reporting"), "reporting", required.getDumpId());
        assertEquals(dump.manifest(), fetch.awaitManifest());
    }

    @Test
    void shouldServeACachedDumpWithTheMasterAwayAlsoAfterARestart() throws Exception {
        RequiredDump required = require("reporting", "public.orders");
        new TestUpload(capture.channel(), answer(capture.awaitOrder(1))).sendAll();
        new TestFetch(forwarder.channel("reporting"), "reporting", required.getDumpId()).awaitManifest();

        forwarder.restart();
        RequiredDump cached = require("mirror", "public.orders");
        assertEquals("complete", cached.getState());
        assertEquals(required.getDumpId(), cached.getDumpId());
        new TestFetch(forwarder.channel("mirror"), "mirror", cached.getDumpId()).awaitManifest();
        assertNotEquals(
                cached.getDumpId(), require("mirror", "public.orders", true).getDumpId());
    }

    @Test
    void r08ShouldNotReuseADumpOfAnOlderIncarnationOrOtherColumns() throws Exception {
        RequiredDump first = require("reporting", "public.orders");
        new TestUpload(capture.channel(), answer(capture.awaitOrder(1))).sendAll();
        new TestFetch(forwarder.channel("reporting"), "reporting", first.getDumpId()).awaitManifest();

        capture.send(stream.schema(TestStream.table(ORDERS.tableId(), "public.orders", 1, "remark")));
        Await.until(
                "a new request",
                () -> !require("mirror", "public.orders").getDumpId().equals(first.getDumpId()));
        assertEquals("requested", require("mirror", "public.orders").getState());
    }

    @Test
    void r02ShouldRefuseADumpTheQueueCannotCatchUpWithAndAskAgain() throws Exception {
        require("reporting", "public.orders");
        DumpOrder order = capture.awaitOrder(1);
        TestStream later = new TestStream(base.epoch(), 500, 90_000);
        forwarder.capture(later.position(), later).status(500, ORDERS, CUSTOMERS);

        TestDump dump = TestDump.of(directory.resolve("staging"), order, base.epoch(), ORDERS, 1);
        Status refused = new TestUpload(capture.channel(), dump).awaitEnd();
        assertEquals(Status.Code.FAILED_PRECONDITION, refused.getCode());
        assertEquals("requested", require("reporting", "public.orders").getState());
    }

    @Test
    void shouldAskAgainUnderANewIdWhenASnapshotIsLostAndFailWhenCaptureGivesUp() throws Exception {
        RequiredDump first = require("reporting", "public.orders");
        TestDump dump = TestDump.of(directory.resolve("staging"), capture.awaitOrder(1), base.epoch(), ORDERS, 2);
        new TestUpload(capture.channel(), dump).sendChunk(1).awaitStored(1);
        TestFetch fetch = new TestFetch(forwarder.channel("reporting"), "reporting", first.getDumpId());
        fetch.awaitChunks(1);
        capture.fromCapture(failed(first.getDumpId(), true));
        assertEquals("snapshot lost", fetch.awaitFailure());

        DumpOrder second = capture.awaitOrder(2);
        assertNotEquals(first.getDumpId(), second.getTables(0).getDumpId());
        assertEquals(
                second.getTables(0).getDumpId(),
                require("reporting", "public.orders").getDumpId());
        capture.fromCapture(failed(second.getTables(0).getDumpId(), false));
        TestFetch ended = new TestFetch(
                forwarder.channel("reporting"), "reporting", second.getTables(0).getDumpId());
        assertEquals("snapshot lost", ended.awaitFailure());
    }

    private static FromCapture failed(String id, boolean retry) {
        return FromCapture.newBuilder()
                .setDumpFailed(DumpFailed.newBuilder()
                        .setDumpId(id)
                        .setReason("snapshot lost")
                        .setRetry(retry))
                .build();
    }

    @Test
    void r24ShouldRefuseDumpsOfTablesTheSlaveIsNotGranted() throws Exception {
        RequiredDump refused = require("reporting", "public.customers");
        assertEquals("", refused.getDumpId());
        assertTrue(refused.getReason().contains("not granted"));

        RequiredDump others = require("mirror", "public.customers");
        TestFetch fetch = new TestFetch(forwarder.channel("reporting"), "reporting", others.getDumpId());
        assertEquals(Status.Code.PERMISSION_DENIED, fetch.awaitEnd().getCode());
        assertThrows(StatusRuntimeException.class, () -> forwarder
                .slaveCalls("reporting")
                .requireDumps(
                        RequireDumpsRequest.newBuilder().setSlave("mirror").build()));
    }

    /** A reload takes the table away while its dump is being sent: no chunk follows. */
    @Test
    void r24ShouldSendNoChunkOfATableThatIsNoLongerGranted() throws Exception {
        RequiredDump required = require("reporting", "public.orders");
        TestDump dump = TestDump.of(directory.resolve("staging"), capture.awaitOrder(1), base.epoch(), ORDERS, 2);
        TestUpload upload = new TestUpload(capture.channel(), dump).sendChunk(1);
        TestFetch fetch = new TestFetch(forwarder.channel("reporting"), "reporting", required.getDumpId());
        fetch.awaitChunks(1);
        forwarder.slave("reporting", "[public.customers]").daemon().reload();
        upload.sendChunk(2).awaitStored(2);

        Status ended = fetch.awaitEnd();
        assertEquals(Status.Code.PERMISSION_DENIED, ended.getCode());
        assertEquals(List.of(1), fetch.chunks());
    }

    @Test
    void shouldLetATableThatIsNotThereWaitWithoutHarm() throws Exception {
        RequiredDump waiting = require("mirror", "public.tomorrow");
        assertEquals("", waiting.getDumpId());
        assertTrue(waiting.getReason().contains("no such table"), waiting.getReason());
    }
}
