package dev.replicator.forwarder;

import static dev.replicator.forwarder.TestStream.ORDERS;
import static dev.replicator.forwarder.TestStream.row;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.dumps.DumpStore;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.store.QueueOptions;
import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.queue.wire.DumpOrder;
import dev.replicator.queue.wire.DumpOrderTable;
import dev.replicator.queue.wire.LaneStart;
import dev.replicator.queue.wire.Subscribe;
import dev.replicator.queue.wire.WirePositions;
import dev.replicator.runtime.config.Secret;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who holds the queue and who gives way (rules R02 and R17), on a real queue with small segments. */
final class RetentionTest {
    private static final long SEGMENT_BYTES = 4096;
    private static final int TRANSACTIONS = 100;

    @TempDir
    private Path directory;

    private ReplicationQueue queue;
    private DumpStore store;
    private DumpCatalog dumps;
    private Slaves slaves;
    private Visibility visibility;
    private final Room room = new Room();
    private TestStream stream;

    @BeforeEach
    void open() throws Exception {
        queue = ReplicationQueue.open(new QueueOptions(directory.resolve("queue"), SEGMENT_BYTES, 1 << 20));
        stream = TestStream.begin();
        queue.startHistory(stream.position());
        append(stream.schema(ORDERS));
        for (int i = 0; i < TRANSACTIONS; i++) {
            append(stream.transaction(row(ORDERS, "x".repeat(500))));
        }
        queue.writer().sync();
        store = DumpStore.open(directory.resolve("dumps"));
        dumps = new DumpCatalog(queue, DumpFiles.of(store), Clock.systemUTC(), System::nanoTime, id -> {});
        visibility = new Visibility(queue);
        slaves = new Slaves(queue.values());
        slaves.reload(Map.of("a", file("a"), "b", file("b")));
    }

    @AfterEach
    void close() throws Exception {
        store.close();
        queue.close();
    }

    private void append(ByteBuffer image) throws Exception {
        queue.writer().append(RecordHeader.decode(image.duplicate(), "test", 0), image);
    }

    private static SlaveFile file(String name) {
        return new SlaveFile(Path.of(name), name, new Secret(name), new TableSelection(List.of("public.*"), List.of()));
    }

    private Position at(long seq) throws Exception {
        return queue.positionOf(seq).orElseThrow();
    }

    private Retention retention(long queueBytes, ForwarderConfig.OnFull onFull) {
        return new Retention(
                queue,
                slaves,
                dumps,
                visibility,
                room,
                new Retention.Budget(queueBytes, onFull, 1 << 20, Duration.ofDays(7)),
                Clock.systemUTC());
    }

    private Retention roomy() {
        return retention(1 << 30, ForwarderConfig.OnFull.DROP_SLAVE);
    }

    private Slave connected(String name, String lane, long seq) throws Exception {
        Slave slave = slaves.find(name).orElseThrow();
        slave.markKnown();
        slave.cursor(lane, at(seq));
        return slave;
    }

    /** A complete dump of the orders, with the marker {@code g-<baseSeq>}. */
    private DumpEntry cachedDump(long baseSeq) throws Exception {
        DumpEntry entry = dumps.require(ORDERS.name(), null, true, "g-" + baseSeq);
        DumpOrder order = DumpOrder.newBuilder()
                .setGroup(entry.group)
                .addTables(DumpOrderTable.newBuilder().setDumpId(entry.id).setTable("public.orders"))
                .build();
        TestDump made =
                TestDump.of(directory.resolve("made"), order, stream.position().epoch(), ORDERS, 0, baseSeq);
        dumps.begin(entry.id, dev.replicator.dumps.DumpManifest.fromJson(made.draft()));
        dumps.stored(entry).orElseThrow().complete(made.manifest());
        dumps.arrived(entry.id);
        dumps.marker(entry.group);
        assertTrue(dumps.isUsable(entry));
        return entry;
    }

    @Test
    void r02ShouldPruneNothingBeforeCaptureToldWhatIsVisibleAndNothingAboveIt() throws Exception {
        roomy().run();
        assertEquals(1, queue.firstSeq());

        visibility.report(40);
        roomy().run();
        assertTrue(queue.firstSeq() > 1 && queue.firstSeq() <= 41, "first " + queue.firstSeq());
    }

    @Test
    void shouldKeepWhatTheLaneFurthestBehindHasNotAcknowledged() throws Exception {
        visibility.report(TRANSACTIONS);
        connected("a", "main", 90);
        connected("b", "main", 80);
        connected("b", "side", 30);
        roomy().run();
        assertTrue(queue.firstSeq() > 1 && queue.firstSeq() <= 31, "first " + queue.firstSeq());
        assertEquals("side", roomy().holders().get(0).lane());
    }

    @Test
    void shouldNotBeHeldByASlaveThatNeverConnected() throws Exception {
        visibility.report(TRANSACTIONS);
        slaves.find("a").orElseThrow().cursor("main", at(5));
        roomy().run();
        assertTrue(queue.firstSeq() > 80, "first " + queue.firstSeq());
    }

    @Test
    void r02ShouldKeepWhatAnOrderedDumpMayNeedUntilItsManifestArrived() throws Exception {
        visibility.report(20);
        dumps.require(ORDERS.name(), null, false, "g-1");
        dumps.toOrder(1, visibility.holdForNewDump());
        visibility.report(TRANSACTIONS);
        roomy().run();
        assertTrue(queue.firstSeq() <= 21, "first " + queue.firstSeq());
    }

    @Test
    void r17ShouldLetUnusedDumpsGoFirstThenTheLaneThatHoldsTheMost() throws Exception {
        visibility.report(TRANSACTIONS);
        DumpEntry wish = cachedDump(1);
        Slave behind = connected("a", "main", 50);
        Slave healthy = connected("b", "main", 95);
        long whole = queue.sizeBytes();

        retention(1 << 30, ForwarderConfig.OnFull.DROP_SLAVE).run();
        assertEquals(1, queue.firstSeq(), "a cached dump is a wish that is granted while there is room");

        retention(whole * 3 / 4, ForwarderConfig.OnFull.DROP_SLAVE).run();
        assertTrue(dumps.find(wish.id).isEmpty());
        assertTrue(behind.mainCursor().isPresent());

        retention(whole / 4, ForwarderConfig.OnFull.DROP_SLAVE).run();
        assertTrue(behind.mainCursor().isEmpty());
        assertTrue(behind.refusal("main").orElseThrow().startsWith("needs-resync"));
        assertTrue(healthy.mainCursor().isPresent());
        assertTrue(queue.sizeBytes() <= whole / 4);
    }

    /** Adds a transaction with its marker behind it, where a segment ends, and one more; returns the former's number. */
    private long appendMarked() throws Exception {
        fillSegment(() -> stream.transaction(row(ORDERS, "x")));
        long marked = stream.position().seq();
        append(stream.marker("g-" + marked, ORDERS));
        fillSegment(() -> stream.marker("g-0", ORDERS));
        append(stream.transaction(row(ORDERS, "x")));
        queue.writer().sync();
        return marked;
    }

    private void fillSegment(Supplier<ByteBuffer> record) throws Exception {
        int segments = queue.segments().size();
        while (queue.segments().size() == segments) {
            append(record.get());
            queue.writer().sync();
        }
    }

    private LaneStarts.Decision restoring(long seq, String marker) throws Exception {
        LaneStarts starts = new LaneStarts(
                queue, new TableSets(queue, new QueueAppender(queue)), slaves, Optional::empty, dumps::knowsMarker);
        LaneStarts.Decision decision = starts.decide(
                "a",
                Subscribe.newBuilder()
                        .setLane("restore-1")
                        .setPosition(WirePositions.toWire(at(seq)))
                        .addTables("public.orders")
                        .addAwaitedMarkers(marker)
                        .build());
        if (decision.accepted() != null) {
            decision.accepted().reader().close();
        }
        return decision;
    }

    /** What stood behind the last transaction that went, went with it, though the queue begins at just this place. */
    @Test
    void r15ShouldRefuseALaneWhoseMarkerWasPrunedAtTheBudget() throws Exception {
        long marked = appendMarked();
        visibility.report(marked + 1);
        Slave slave = connected("a", "restore-1", marked);
        String marker = "g-" + marked;
        roomy().run();
        assertNotNull(restoring(marked, marker).accepted());

        retention(queue.sizeBytes() - 1, ForwarderConfig.OnFull.DROP_SLAVE).run();
        assertTrue(slave.cursors().isEmpty());
        assertEquals(marked + 1, queue.firstSeq());
        LaneStart refused = restoring(marked, marker).refused();
        assertNotNull(refused, "the lane would wait for ever");
        assertEquals("needs-resync", refused.getRefusal());
        assertTrue(refused.getDetail().contains("marker " + marker), refused.getDetail());
        assertNotNull(restoring(marked + 1, "g-" + (marked + 1)).accepted());
    }

    /** The next slave restores it and waits for its marker. */
    @Test
    void r15ShouldKeepTheMarkerOfADumpThatNeedNotGiveWay() throws Exception {
        long marked = appendMarked();
        visibility.report(marked + 1);
        DumpEntry older = cachedDump(TRANSACTIONS / 2);
        DumpEntry newer = cachedDump(marked);
        roomy().run();

        retention(queue.sizeBytes() - 1, ForwarderConfig.OnFull.DROP_SLAVE).run();
        assertTrue(dumps.find(older.id).isEmpty());
        assertTrue(dumps.isUsable(newer));
        assertTrue(queue.firstSeq() <= marked, "first " + queue.firstSeq());
    }

    @Test
    void shouldStopTakingInInsteadOfDroppingWhenToldTo() throws Exception {
        visibility.report(TRANSACTIONS);
        Slave behind = connected("a", "main", 2);
        retention(queue.sizeBytes() / 2, ForwarderConfig.OnFull.STOP).run();
        assertTrue(room.isClosed());
        assertTrue(behind.mainCursor().isPresent());

        behind.cursor("main", at(TRANSACTIONS));
        retention(queue.sizeBytes() / 2, ForwarderConfig.OnFull.STOP).run();
        assertFalse(room.isClosed());
    }

    @Test
    void r16ShouldPruneNothingAfterALostIndexBeforeEverySlaveWasHere() throws Exception {
        connected("a", "main", 90);
        slaves.flush();
        store.close();
        queue.close();
        try (Stream<Path> index = Files.walk(directory.resolve("queue/index"))) {
            for (Path file : index.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
        queue = ReplicationQueue.open(new QueueOptions(directory.resolve("queue"), SEGMENT_BYTES, 1 << 20));
        assertTrue(queue.recovery().indexRebuilt());
        store = DumpStore.open(directory.resolve("dumps"));
        dumps = new DumpCatalog(queue, DumpFiles.of(store), Clock.systemUTC(), System::nanoTime, id -> {});
        visibility = new Visibility(queue);
        slaves = new Slaves(queue.values());
        slaves.reload(Map.of("a", file("a"), "b", file("b")));
        visibility.report(TRANSACTIONS);
        roomy().run();
        assertEquals(1, queue.firstSeq());

        Slave.Stream lane = new Slave.Stream() {
            @Override
            public void supersede() {
                throw new AssertionError("one stream only");
            }

            @Override
            public void revoke(String reason) {
                throw new AssertionError("its file is there");
            }
        };
        slaves.find("a").orElseThrow().open("main", lane);
        slaves.find("a").orElseThrow().cursor("main", at(90));
        roomy().run();
        assertEquals(1, queue.firstSeq(), "b was not here yet");
        slaves.find("b").orElseThrow().open("main", lane);
        slaves.find("b").orElseThrow().cursor("main", at(70));
        roomy().run();
        assertTrue(queue.firstSeq() > 1 && queue.firstSeq() <= 71, "first " + queue.firstSeq());
    }

    @Test
    void shouldNotDropALaneWhenThatFreesNothing() throws Exception {
        visibility.report(TRANSACTIONS);
        Slave current = connected("a", "main", TRANSACTIONS);
        retention(1, ForwarderConfig.OnFull.DROP_SLAVE).run();
        assertTrue(current.mainCursor().isPresent());
    }

    @Test
    void shouldKeepCursorsAcrossARestartAndForgetASlaveWhoseFileIsGone() throws Exception {
        connected("a", "main", 50);
        connected("b", "main", 60);
        slaves.flush();

        Slaves again = new Slaves(queue.values());
        again.reload(Map.of("a", file("a"), "b", file("b")));
        assertEquals(at(50), again.find("a").orElseThrow().mainCursor().orElseThrow());
        assertTrue(again.find("a").orElseThrow().isKnown());

        again.reload(Map.of("b", file("b")));
        again.reload(Map.of("a", file("a"), "b", file("b")));
        assertTrue(again.find("a").orElseThrow().mainCursor().isEmpty());
        assertFalse(again.find("a").orElseThrow().isKnown());
    }
}
