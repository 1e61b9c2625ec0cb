package dev.replicator.forwarder;

import static dev.replicator.forwarder.TestStream.CUSTOMERS;
import static dev.replicator.forwarder.TestStream.ORDERS;
import static dev.replicator.forwarder.TestStream.SECRET;
import static dev.replicator.forwarder.TestStream.row;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.wire.CaptureWelcome;
import dev.replicator.queue.wire.LaneStart;
import dev.replicator.queue.wire.TableSet;
import dev.replicator.queue.wire.Watermark;
import io.grpc.Status;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Records from capture to slaves over real connections and a real queue. */
final class StreamingTest {
    @TempDir
    private Path directory;

    private TestForwarder forwarder;
    private TestStream stream;
    private Position base;

    @BeforeEach
    void start() throws Exception {
        forwarder = new TestForwarder(directory)
                .slave("reporting", "[public.orders]")
                .slave("mirror", "[\"public.*\"]")
                .start();
        stream = TestStream.begin();
        base = stream.position();
    }

    @AfterEach
    void stop() {
        forwarder.close();
    }

    @Test
    void shouldAnswerNotYetWhileNoHistoryIsKnown() throws Exception {
        LaneStart start =
                forwarder.lane("reporting", "main", null, "public.orders").start();
        assertEquals("not-yet", start.getRefusal());
    }

    @Test
    void shouldSendASlaveItsTablesOnlyAndNoByteOfOthers() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.schema(SECRET), stream.schema(CUSTOMERS));
        TestLane lane = forwarder.lane("reporting", "main", base, "public.orders");
        capture.send(
                stream.transaction(row(ORDERS, "first-order"), row(SECRET, "salary-4711"), row(ORDERS, "second-order")),
                stream.transaction(row(SECRET, "salary-4712"), row(CUSTOMERS, "customer-9")),
                stream.transaction(row(ORDERS, "third-order")));

        RecordHeader trimmed = lane.awaitTransaction(1);
        RecordHeader whole = lane.awaitTransaction(3);

        assertTrue(trimmed.hasFlag(RecordHeader.FLAG_TRIMMED));
        assertEquals(2, trimmed.changeCount());
        assertEquals(
                List.of(ORDERS.tableId()),
                trimmed.tables().stream().map(share -> share.tableId()).toList());
        assertFalse(whole.hasFlag(RecordHeader.FLAG_TRIMMED));
        assertEquals(
                List.of(1L, 3L),
                lane.transactions().stream().map(RecordHeader::seq).toList());
        assertTrue(lane.contains("first-order") && lane.contains("second-order"));
        assertFalse(lane.contains("salary") || lane.contains("secret") || lane.contains("customer"));
        assertTrue(lane.records(RecordKind.SCHEMA).stream()
                .allMatch(header -> header.tables().get(0).tableId() == ORDERS.tableId()));
    }

    @Test
    void shouldSendAnIdleSlaveWatermarksWithTheWholePosition() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.schema(SECRET));
        TestLane lane = forwarder.lane("reporting", "main", base, "public.orders");
        for (int i = 0; i < 50; i++) {
            capture.send(stream.transaction(row(SECRET, "x" + i)));
        }
        capture.send(stream.heartbeat(99_000));

        Watermark mark = lane.awaitWatermark(50);
        assertEquals(stream.position(), Positions.fromWire(mark.getPosition()));
        Await.until("the heartbeat's LSN", () -> lane.lastLsn() == 99_000, lane::lastLsn);
        assertTrue(lane.transactions().isEmpty());
    }

    @Test
    void shouldAcknowledgeDropRepetitionsAndContinueAfterARestart() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS));
        ByteBuffer first = stream.transaction(row(ORDERS, "a"));
        Position afterFirst = stream.position();
        capture.send(first.duplicate());
        capture.awaitAck(afterFirst);

        forwarder.restart();
        TestCapture again = forwarder.capture().hello(base, stream.position());
        CaptureWelcome welcome = again.welcome();
        assertEquals(afterFirst, Positions.fromWire(welcome.getTail()));
        again.send(first, stream.transaction(row(ORDERS, "b")));
        again.awaitAck(stream.position());

        TestLane lane = forwarder.lane("reporting", "main", base, "public.orders");
        lane.awaitTransaction(2);
        assertEquals(
                List.of(1L, 2L),
                lane.transactions().stream().map(RecordHeader::seq).toList());
    }

    @Test
    void r06ShouldRefuseACaptureWhoseRecordOfANumberDiffers() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.transaction(row(ORDERS, "a")));
        capture.awaitAck(stream.position());

        Position other = new Position(base.epoch(), 1, 777);
        Status status = forwarder.capture().hello(base, other).awaitEnd();
        assertEquals(Status.Code.FAILED_PRECONDITION, status.getCode());
        assertTrue(status.getDescription().contains("histories differ"), status.getDescription());
    }

    @Test
    void r07ShouldBeginAnewWhenItEndsBeforeCapturesFirstRecordAndTellSlavesToResync() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.transaction(row(ORDERS, "a")), stream.transaction(row(ORDERS, "b")));
        capture.awaitAck(stream.position());
        Position slaveAt = new Position(base.epoch(), 1, 1100);

        TestStream later = new TestStream(base.epoch(), 500, 90_000);
        Position laterBase = later.position();
        TestCapture next = forwarder.capture(laterBase, later);
        next.send(later.schema(ORDERS), later.transaction(row(ORDERS, "later")));
        next.awaitAck(later.position());

        LaneStart start =
                forwarder.lane("reporting", "main", slaveAt, "public.orders").start();
        assertEquals("needs-resync", start.getRefusal());
        assertEquals(later.position(), Positions.fromWire(start.getPosition()));
        assertEquals(List.of("public.orders"), start.getTableSet().getTablesList());
    }

    @Test
    void r07ShouldRefuseALaneOfAnotherHistoryAndOneThatIsAhead() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.transaction(row(ORDERS, "a")), stream.transaction(row(ORDERS, "b")));
        capture.awaitAck(stream.position());

        Position forked = new Position(base.epoch(), 1, 1);
        assertEquals("forked", refusal(forked));
        assertEquals("not-yet", refusal(new Position(base.epoch(), 99, 99_999)));
        assertEquals("new-epoch", refusal(new Position(Epoch.begin(1), 1, 1100)));
    }

    private String refusal(Position position) throws Exception {
        return forwarder
                .lane("reporting", "main", position, "public.orders")
                .start()
                .getRefusal();
    }

    @Test
    void r10ShouldEndTheOlderOfTwoCapturesAndOfTwoLanes() throws Exception {
        TestCapture older = forwarder.capture(base, stream);
        older.send(stream.schema(ORDERS), stream.transaction(row(ORDERS, "a")));
        older.awaitAck(stream.position());
        TestLane olderLane = forwarder.lane("reporting", "main", base, "public.orders");
        olderLane.awaitTransaction(1);

        TestCapture newer = forwarder.capture(base, stream);
        assertEquals(Status.Code.ABORTED, older.awaitEnd().getCode());
        TestLane newerLane = forwarder.lane("reporting", "main", base, "public.orders");
        newerLane.awaitTransaction(1);
        assertEquals(Status.Code.ABORTED, olderLane.awaitEnd().getCode());

        newer.send(stream.transaction(row(ORDERS, "b")));
        newerLane.awaitTransaction(2);
        assertFalse(newer.isEnded());
    }

    @Test
    void r11ShouldTellASlaveThatWasAwayEveryChangeOfItsTableSet() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.schema(CUSTOMERS), stream.transaction(row(ORDERS, "a")));
        capture.awaitAck(stream.position());
        Position away = stream.position();

        capture.send(stream.transaction(row(ORDERS, "b")));
        capture.awaitAck(stream.position());
        forwarder.slave("reporting", "[public.customers]").daemon().reload();
        capture.send(stream.transaction(row(ORDERS, "hidden")));
        capture.awaitAck(stream.position());
        forwarder.slave("reporting", "[public.orders]").daemon().reload();
        capture.send(stream.transaction(row(ORDERS, "d")));

        TestLane lane = forwarder.lane("reporting", "main", away, "public.orders");
        assertEquals(List.of("public.orders"), lane.start().getTableSet().getTablesList());
        lane.awaitTransaction(4);
        assertEquals(
                List.of(List.of("public.customers"), List.of("public.orders")),
                lane.tableSets().stream()
                        .map(set -> List.copyOf(set.getTablesList()))
                        .toList());
        assertEquals(
                List.of(2L, 4L),
                lane.transactions().stream().map(RecordHeader::seq).toList());
        assertFalse(lane.contains("hidden"));

        // Coming back at a place where the change was already seen does not repeat it.
        TestLane again = forwarder.lane("reporting", "main", stream.position(), "public.orders");
        capture.send(stream.transaction(row(ORDERS, "e")));
        again.awaitTransaction(5);
        assertTrue(again.tableSets().isEmpty(), again.tableSets()::toString);
    }

    /** A cached dump lies before the grant: what came between belongs to the table as much as the dump does. */
    @Test
    void r11ShouldSendASideLaneWhatCameBeforeItsTableWasGranted() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.schema(CUSTOMERS), stream.transaction(row(ORDERS, "a")));
        capture.awaitAck(stream.position());
        Position dumpBase = stream.position();
        capture.send(stream.transaction(row(CUSTOMERS, "before the grant")));
        capture.awaitAck(stream.position());
        forwarder
                .slave("reporting", "[public.orders, public.customers]")
                .daemon()
                .reload();
        capture.send(stream.transaction(row(CUSTOMERS, "granted")));
        capture.awaitAck(stream.position());
        forwarder.slave("reporting", "[public.orders]").daemon().reload();
        capture.send(stream.transaction(row(CUSTOMERS, "in between")));
        capture.awaitAck(stream.position());
        forwarder
                .slave("reporting", "[public.orders, public.customers]")
                .daemon()
                .reload();
        capture.send(stream.transaction(row(CUSTOMERS, "again")));

        TestLane restoring = forwarder.lane("reporting", "restore-1", dumpBase, "public.customers");
        restoring.awaitTransaction(5);
        assertEquals(
                List.of(2L, 3L, 4L, 5L),
                restoring.transactions().stream().map(RecordHeader::seq).toList());
        assertTrue(restoring.contains("before the grant") && restoring.contains("in between"));

        forwarder.slave("reporting", "[public.orders]").daemon().reload();
        capture.send(stream.transaction(row(CUSTOMERS, "hidden")), stream.transaction(row(ORDERS, "b")));
        restoring.awaitWatermark(7);
        assertFalse(restoring.contains("hidden"));
    }

    /**
     * A grant that is gone meanwhile still counts up to where it went: the main lane, which is behind, takes the table over from
     * the side lane and gives it up at that place.
     */
    @Test
    void r11ShouldSendASideLaneWhatCameBeforeItsTableWasRevoked() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.schema(CUSTOMERS), stream.transaction(row(ORDERS, "a")));
        forwarder
                .slave("reporting", "[public.orders, public.customers]")
                .daemon()
                .reload();
        capture.awaitAck(stream.position());
        Position dumpBase = stream.position();
        capture.send(stream.transaction(row(CUSTOMERS, "granted")));
        capture.awaitAck(stream.position());
        forwarder.slave("reporting", "[public.orders]").daemon().reload();
        capture.send(stream.transaction(row(CUSTOMERS, "revoked")), stream.transaction(row(ORDERS, "b")));

        TestLane restoring = forwarder.lane("reporting", "restore-1", dumpBase, "public.orders", "public.customers");
        restoring.awaitTransaction(4);
        assertEquals(
                List.of(2L, 4L),
                restoring.transactions().stream().map(RecordHeader::seq).toList());
    }

    /** A slave that has noted a later place than any here learns that it is of a queue which is lost. */
    @Test
    void r11ShouldSayWhetherALaterTableSetIsOnRecord() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.transaction(row(ORDERS, "a")));
        capture.awaitAck(stream.position());
        Position before = stream.position();
        capture.send(stream.transaction(row(ORDERS, "b")));
        capture.awaitAck(stream.position());
        forwarder
                .slave("reporting", "[public.orders, public.customers]")
                .daemon()
                .reload();

        TestLane behind = forwarder.lane("reporting", "main", before, "public.orders");
        assertFalse(behind.start().getTableSet().getNewest());
        TestLane there = forwarder.lane("reporting", "main", stream.position(), "public.orders");
        assertTrue(there.start().getTableSet().getNewest());
    }

    /**
     * Capture sends what stands behind the tail again after each connect. Were the connection lost between two incarnations of
     * a table, the earlier one would stand last, and a capture that takes the history over would count from it.
     */
    @Test
    void r07ShouldNotTakeAnEarlierIncarnationForNewsWhenItComesAgain() throws Exception {
        TableSchema next = ORDERS.withIncarnation(ORDERS.incarnation() + 1);
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.schema(next), stream.transaction(row(next, "a")));
        capture.awaitAck(stream.position());
        capture.send(stream.schema(ORDERS), stream.transaction(row(next, "b")));
        capture.awaitAck(stream.position());

        CaptureWelcome welcome = forwarder.capture().hello(null, null).welcome();
        assertEquals(1, welcome.getSchemaRecordsCount());
        String record = welcome.getSchemaRecords(0).toString(StandardCharsets.ISO_8859_1);
        assertTrue(record.contains("\"incarnation\":" + next.incarnation()), record);
    }

    @Test
    void r24ShouldEndTheStreamsOfATokenThatHasChanged() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.transaction(row(ORDERS, "a")));
        TestLane lane = forwarder.lane("reporting", "main", base, "public.orders");
        TestLane other = forwarder.lane("mirror", "main", base, "public.orders");
        lane.awaitTransaction(1);
        Files.writeString(
                forwarder.slaveFile("reporting"), "slave: reporting\ntoken: another\ntables: [public.orders]\n");
        forwarder.daemon().reload();

        Status ended = lane.awaitEnd();
        assertEquals(Status.Code.PERMISSION_DENIED, ended.getCode());
        assertTrue(ended.getDescription().contains("the token of slave 'reporting' has changed"), ended.toString());
        assertEquals(
                Status.Code.UNAUTHENTICATED,
                forwarder
                        .lane("reporting", "main", base, "public.orders")
                        .awaitEnd()
                        .getCode());
        capture.send(stream.transaction(row(ORDERS, "behind the change")));
        other.awaitTransaction(2);
        assertFalse(lane.contains("behind the change"));
    }

    /** Of what a slave's file excludes only what the slave carries is named to it. */
    @Test
    void r24ShouldNameAnExcludedTableOnlyToASlaveThatCarriesIt() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.schema(CUSTOMERS), stream.transaction(row(ORDERS, "a")));
        capture.awaitAck(stream.position());
        TestLane lane = forwarder.lane("mirror", "main", base, "public.orders", "public.customers");
        lane.start();
        Files.writeString(
                forwarder.slaveFile("mirror"),
                "slave: mirror\ntoken: token-mirror\ntables: [\"public.*\"]\n"
                        + "exclude: [\"public.hr_*\", public.salaries, public.customers]\n");
        forwarder.daemon().reload();

        TableSet set = lane.awaitTableSet(1);
        assertEquals(List.of("public.customers"), set.getExcludeList());
        capture.send(stream.transaction(row(ORDERS, "b")));
        capture.awaitAck(stream.position());
        TestLane later = forwarder.lane("mirror", "main", stream.position(), "public.orders");
        assertEquals(List.of(), later.start().getTableSet().getExcludeList());
    }

    @Test
    void r24ShouldGrantANewTableByPatternAndStopAtARename() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.transaction(row(ORDERS, "a")));
        capture.awaitAck(stream.position());
        TestLane lane = forwarder.lane("mirror", "main", stream.position(), "public.orders", "public.customers");
        lane.start();
        capture.send(stream.schema(CUSTOMERS), stream.transaction(row(CUSTOMERS, "granted")));
        lane.awaitTransaction(2);
        TableSet grown = lane.awaitTableSet(1);
        assertTrue(grown.getResolvedList().stream()
                .anyMatch(table -> table.getTable().equals("public.customers") && table.getTableId() == 200));

        var renamed = TestStream.table(200, "hr.customers", 2);
        capture.send(
                stream.schema(renamed),
                stream.transaction(row(renamed, "private")),
                stream.transaction(row(ORDERS, "b")));
        lane.awaitTransaction(4);
        assertFalse(lane.contains("private") || lane.contains("hr"));
        assertTrue(lane.awaitTableSet(2).getResolvedList().stream().noneMatch(table -> table.getTableId() == 200));
    }

    @Test
    void shouldChangeNothingWhenAReloadFindsABrokenFile() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.transaction(row(ORDERS, "a")));
        TestLane lane = forwarder.lane("reporting", "main", base, "public.orders");
        lane.awaitTransaction(1);
        Files.writeString(forwarder.slaveFile("reporting"), "slave: reporting\ntokn: x\ntables: [orders]\n");

        RuntimeException refused = org.junit.jupiter.api.Assertions.assertThrows(
                RuntimeException.class, () -> forwarder.daemon().reload());
        assertTrue(refused.getMessage().contains("tokn") && refused.getMessage().contains("reporting.yaml"));
        assertTrue(refused.getMessage().contains("'orders' is not schema.table"), refused.getMessage());
        capture.send(stream.transaction(row(ORDERS, "b")));
        lane.awaitTransaction(2);
    }

    @Test
    void shouldStreamATransactionThatDoesNotFitInMemoryToWhoCarriesIt() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.schema(SECRET));
        TestStream.Row[] rows = new TestStream.Row[60];
        byte[] noise = new byte[400_000];
        new java.util.Random(7).nextBytes(noise);
        String text = java.util.Base64.getEncoder().encodeToString(noise);
        for (int i = 0; i < rows.length; i++) {
            rows[i] = row(i % 3 == 0 ? SECRET : ORDERS, i + text);
        }
        ByteBuffer large = stream.transaction(rows);
        assertTrue(large.remaining() > 20 << 20);
        TestLane lane = forwarder.lane("reporting", "main", base, "public.orders");
        lane.start();
        capture.sendSliced(large, 300_000);
        capture.awaitAck(stream.position());

        RecordHeader header = lane.awaitTransaction(1);
        assertEquals(40, header.changeCount());
        assertEquals(1, header.tables().size());
        assertTrue(lane.blockBytes() >= header.bodyLength());
    }

    @Test
    void shouldGiveAnEmptyCaptureWhatItNeedsToGoOn() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.transaction(row(ORDERS, "a")), stream.transaction(row(ORDERS, "b")));
        capture.awaitAck(stream.position());

        CaptureWelcome welcome = forwarder.capture().hello(null, null).welcome();
        assertEquals(stream.position(), Positions.fromWire(welcome.getTail()));
        assertEquals(
                List.of(1L, 2L),
                welcome.getCommitLogList().stream().map(entry -> entry.getSeq()).toList());
        assertEquals(702, welcome.getCommitLog(1).getTransactionId());
        assertEquals(1, welcome.getSchemaRecordsCount());
    }

    @Test
    void shouldRetireTheOldHistoryWhenANewEpochBegins() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.transaction(row(ORDERS, "a")));
        capture.awaitAck(stream.position());
        Position old = stream.position();
        TestLane lane = forwarder.lane("reporting", "main", old, "public.orders");
        lane.start();

        TestStream next = new TestStream(Epoch.begin(2), 1, 50_000);
        TestCapture again = forwarder.capture(next.position(), next);
        again.send(next.schema(ORDERS), next.transaction(row(ORDERS, "b")));
        again.awaitAck(next.position());

        assertEquals(Status.Code.ABORTED, lane.awaitEnd().getCode());
        assertEquals("new-epoch", refusal(old));
        Status forked = forwarder.capture().hello(base, old).awaitEnd();
        assertEquals(Status.Code.FAILED_PRECONDITION, forked.getCode());
    }

    /** The last transaction of the old epoch has the number that the new one begins behind. */
    @Test
    void r05ShouldBeginASideLaneWhereTheNewEpochBegins() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.transaction(row(ORDERS, "old")));
        capture.awaitAck(stream.position());
        TestStream next = new TestStream(Epoch.begin(2), 1, 50_000);
        Position newBase = next.position();
        TestCapture again = forwarder.capture(newBase, next);
        again.send(next.schema(ORDERS), next.transaction(row(ORDERS, "new")));
        again.awaitAck(next.position());

        TestLane restoring = forwarder.lane(
                "reporting", "restore-1", new Position(newBase.epoch(), newBase.seq(), 0), "public.orders");
        assertEquals(newBase, Positions.fromWire(restoring.start().getPosition()));
        restoring.awaitTransaction(2);
    }

    /** A forwarder that lost its disk gets from capture's spool what it still has; a marker before that comes no more. */
    @Test
    void r15ShouldRefuseALaneThatWaitsForAMarkerLostWithTheQueueBefore() throws Exception {
        TestStream later = new TestStream(base.epoch(), 7, 5000);
        Position origin = later.position();
        TestCapture capture = forwarder.capture(origin, later);
        capture.send(later.schema(ORDERS), later.transaction(row(ORDERS, "a")));
        capture.awaitAck(later.position());

        LaneStart start = forwarder
                .lane("reporting", "restore-1", origin, List.of("g-1/1"), "public.orders")
                .start();
        assertEquals("needs-resync", start.getRefusal());
        assertTrue(start.getDetail().contains("marker g-1/1"), start.getDetail());
        forwarder.lane("reporting", "restore-2", origin, "public.orders").awaitTransaction(8);
        forwarder
                .lane("reporting", "restore-3", later.position(), List.of("g-1/1"), "public.orders")
                .awaitWatermark(8);
    }

    @Test
    void shouldFollowAnEpochThatBeginsInTheMiddleOfTheSpool() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.transaction(row(ORDERS, "a")));
        capture.awaitAck(stream.position());

        TestStream next = new TestStream(Epoch.begin(2), 1, 50_000);
        Position newBase = next.position();
        TestCapture again = forwarder.capture(base, next);
        again.send(next.schema(ORDERS));
        again.awaitAck(newBase);
        assertEquals(
                newBase,
                Positions.fromWire(
                        forwarder.capture().hello(base, newBase).welcome().getTail()));
        assertEquals("new-epoch", refusal(stream.position()));
    }

    @Test
    void shouldEndTheStreamsOfASlaveWhoseFileIsGone() throws Exception {
        TestCapture capture = forwarder.capture(base, stream);
        capture.send(stream.schema(ORDERS), stream.transaction(row(ORDERS, "a")));
        TestLane lane = forwarder.lane("reporting", "main", base, "public.orders");
        lane.awaitTransaction(1);
        Files.delete(forwarder.slaveFile("reporting"));
        forwarder.daemon().reload();
        assertEquals(Status.Code.PERMISSION_DENIED, lane.awaitEnd().getCode());
        assertEquals(
                Status.Code.UNAUTHENTICATED,
                forwarder
                        .lane("reporting", "main", base, "public.orders")
                        .awaitEnd()
                        .getCode());
    }

    @Test
    void shouldRefuseAWrongTokenAndASlaveThatClaimsToBeAnother() throws Exception {
        TestCapture stranger = new TestCapture(forwarder.port(), "guessed");
        stranger.hello(base, base);
        assertEquals(Status.Code.UNAUTHENTICATED, stranger.awaitEnd().getCode());
        stranger.close();

        TestLane liar = new TestLane(forwarder.channel("mirror"), "reporting", "main", null, "public.orders");
        assertEquals(Status.Code.PERMISSION_DENIED, liar.awaitEnd().getCode());

        TestCapture slaveAsCapture = new TestCapture(forwarder.port(), "token-mirror");
        assertEquals(Status.Code.PERMISSION_DENIED, slaveAsCapture.awaitEnd().getCode());
        slaveAsCapture.close();
    }
}
