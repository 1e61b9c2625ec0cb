package dev.replicator.queue.store;

import static dev.replicator.queue.store.Samples.BASE;
import static dev.replicator.queue.store.Samples.ITEMS;
import static dev.replicator.queue.store.Samples.ORDERS;
import static dev.replicator.queue.store.Samples.appendSchema;
import static dev.replicator.queue.store.Samples.appendTransaction;
import static dev.replicator.queue.store.Samples.position;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.format.BodyEncoder;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** R16: a damaged byte is found, wherever it is; only the last commit group may be torn. */
class DamageTest {
    @TempDir
    private Path parent;

    private Path crashed;
    private Path orderly;
    /** Ends of the open segment's groups and the seq durable at each. */
    private final TreeMap<Long, Long> groups = new TreeMap<>();

    @BeforeAll
    static void quiet() {
        // One warning per cut would be thousands of lines.
        ((Logger) LoggerFactory.getLogger(DamageTest.class.getPackageName())).setLevel(Level.ERROR);
    }

    @BeforeEach
    void makeQueue() throws IOException {
        orderly = parent.resolve("orderly");
        crashed = parent.resolve("crashed");
        try (ReplicationQueue queue = ReplicationQueue.open(new QueueOptions(orderly, 1100, 10_000))) {
            queue.startHistory(BASE);
            appendSchema(queue, 0, ORDERS);
            queue.writer().sync();
            appendLarge(queue);
            for (long seq = 2; seq <= 5; seq++) {
                appendTransaction(queue, seq, ORDERS);
                queue.writer().sync();
                List<SegmentSummary> segments = queue.segments();
                groups.put(segments.get(segments.size() - 1).sizeBytes(), seq);
            }
            assertEquals(3, queue.segments().size());
            Directories.copySegments(orderly, crashed);
        }
    }

    private static void appendLarge(ReplicationQueue queue) throws IOException {
        try (LargeRecord large = queue.writer().beginLarge()) {
            BodyEncoder body = new BodyEncoder(large::appendBody);
            body.write(ORDERS, new RowChange(ChangeKind.INSERT, null, new Object[] {1L, "one"}));
            body.write(ORDERS, new RowChange(ChangeKind.DELETE, new Object[] {1L, null}, null));
            body.finish();
            large.commit(Samples.header(position(1), body));
        }
    }

    private Recovery recovery(Path directory) {
        return new Recovery(directory, new FileStorage(), new SchemaHistory(), new SegmentSet(SegmentSet.Hints.NONE));
    }

    @Test
    void r16ShouldCutEveryTornEndAndRefuseEveryOtherTruncation() throws IOException {
        byte[] whole = Files.readAllBytes(Directories.only(crashed, ".open"));
        long opening = groups.firstKey() - lengthOfFirstGroup();
        for (int length = 0; length <= whole.length; length++) {
            Path directory = Directories.copySegments(crashed, parent.resolve("cut"));
            try (RandomAccessFile file =
                    new RandomAccessFile(Directories.only(directory, ".open").toFile(), "rw")) {
                file.setLength(length);
            }
            Recovery recovery = recovery(directory);
            if (length < opening) {
                assertThrows(CorruptQueueException.class, () -> recovery.run(Optional.empty()));
            } else {
                Map.Entry<Long, Long> complete = groups.floorEntry((long) length);
                long end = complete == null ? opening : complete.getKey();
                try (SegmentWriter writer = recovery.run(Optional.empty())) {
                    assertEquals(end, writer.end());
                    assertEquals(
                            complete == null ? 1 : complete.getValue(),
                            writer.segment().stats().lastSeq());
                }
                assertEquals(length - end, recovery.report(false).tornBytes());
                assertEquals(end, Files.size(Directories.only(directory, ".open")));
            }
            Directories.deleteTree(directory);
        }
    }

    private static long lengthOfFirstGroup() throws IOException {
        return Samples.transaction(position(2), ORDERS).remaining() + GroupTrailer.LENGTH;
    }

    @Test
    void r16ShouldFindEveryFlippedBitOfTheOpenSegment() throws IOException {
        Path file = Directories.only(crashed, ".open");
        byte[] whole = Files.readAllBytes(file);
        long lastGroup = groups.lowerKey(groups.lastKey());
        for (int offset = 0; offset < whole.length; offset++) {
            for (int bit = 0; bit < 8; bit++) {
                flip(file, whole, offset, bit);
                if (offset >= lastGroup) {
                    SegmentLoader.Opened opened = SegmentLoader.scanOpen(file, new SchemaHistory());
                    String where = "flip at " + offset + " bit " + bit;
                    assertEquals(lastGroup, opened.segment().durableEnd(), where);
                    // Only where the group's end is gone, too, it may be one that is just being written.
                    boolean end = offset >= whole.length - GroupTrailer.LENGTH;
                    assertEquals(end, opened.suspect() == null, where);
                } else {
                    int at = offset;
                    CorruptQueueException damage = assertThrows(
                            CorruptQueueException.class,
                            () -> SegmentLoader.scanOpen(file, new SchemaHistory()),
                            () -> "flip at " + at);
                    assertEquals(file.toString(), damage.source());
                    assertTrue(damage.offset() <= offset, damage.offset() + " for a flip at " + offset);
                }
            }
        }
    }

    @Test
    void r16ShouldFindEveryFlippedBitOfClosedSegments() throws IOException {
        for (Path file : Directories.segments(crashed)) {
            if (!file.toString().endsWith(".queue")) {
                continue;
            }
            byte[] whole = Files.readAllBytes(file);
            for (int offset = 0; offset < whole.length; offset++) {
                flip(file, whole, offset, offset % 8);
                try {
                    QueueInspector.open(crashed).verify(done -> {});
                    fail("a flip at " + offset + " of " + file + " was not found");
                } catch (CorruptQueueException damage) {
                    assertEquals(file.toString(), damage.source());
                }
            }
            Files.write(file, whole);
        }
        QueueInspector.open(crashed).verify(done -> {});
    }

    private static void flip(Path file, byte[] whole, int offset, int bit) throws IOException {
        byte[] damaged = whole.clone();
        damaged[offset] ^= (byte) (1 << bit);
        Files.write(file, damaged, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
    }

    @Test
    void r16ShouldTreatATornEndAsDamageAfterAnOrderlyStop() throws IOException {
        Path file = Directories.only(orderly, ".open");
        byte[] whole = Files.readAllBytes(file);
        flip(file, whole, whole.length - 60, 0);
        CorruptQueueException damage =
                assertThrows(CorruptQueueException.class, () -> ReplicationQueue.open(QueueOptions.of(orderly)));
        assertEquals(file.toString(), damage.source());
        Files.write(file, Arrays.copyOf(whole, whole.length - 1));
        assertThrows(CorruptQueueException.class, () -> ReplicationQueue.open(QueueOptions.of(orderly)));
        Files.write(file, whole);
        ReplicationQueue.open(QueueOptions.of(orderly)).close();
    }

    /** The last group's end is there, a record in it is bad: whoever asks is told, with file and offset. */
    @Test
    void r16ShouldNotTakeADamagedLastGroupForAnUnfinishedOne() throws IOException {
        Path file = Directories.only(crashed, ".open");
        byte[] whole = Files.readAllBytes(file);
        flip(file, whole, whole.length - GroupTrailer.LENGTH - 5, 0);
        CorruptQueueException damage = assertThrows(CorruptQueueException.class, () -> QueueInspector.open(crashed));
        assertEquals(file.toString(), damage.source());
        assertTrue(damage.getMessage().contains("was written whole: damage"), damage.getMessage());
        Files.write(file, Arrays.copyOf(whole, whole.length - 1));
        assertTrue(QueueInspector.open(crashed).uncommittedBytes() > 0);
        Files.write(file, whole);
    }

    @Test
    void r16ShouldRefuseAMissingSegment() throws IOException {
        Files.delete(crashed.resolve("segment-0000000002.queue"));
        assertThrows(CorruptQueueException.class, () -> recovery(crashed).run(Optional.empty()));
    }

    @Test
    void r16ShouldRemoveAndCountUnfinishedLargeTransactions() throws IOException {
        Files.write(crashed.resolve("segment-0000000004.large"), new byte[1000]);
        Files.write(crashed.resolve("segment-0000000004.new"), new byte[10]);
        try (ReplicationQueue queue = ReplicationQueue.open(QueueOptions.of(crashed))) {
            assertEquals(1, queue.recovery().abandonedFiles());
            assertEquals(3, Directories.segments(crashed).size());
        }
    }

    @Test
    void r16ShouldMakeALostIndexAnew() throws IOException {
        try (ReplicationQueue queue = ReplicationQueue.open(QueueOptions.of(crashed))) {
            assertTrue(queue.recovery().indexRebuilt());
            queue.values().put("cursor", "5");
        }
        try (ReplicationQueue queue = ReplicationQueue.open(QueueOptions.of(crashed))) {
            assertFalse(queue.recovery().indexRebuilt());
            assertEquals(Optional.of("5"), queue.values().get("cursor"));
        }
        Directories.deleteTree(crashed.resolve("index"));
        try (ReplicationQueue queue = ReplicationQueue.open(QueueOptions.of(crashed))) {
            assertTrue(queue.recovery().indexRebuilt());
            assertEquals(Optional.empty(), queue.values().get("cursor"));
            assertEquals(Optional.of(position(1)), queue.positionOf(1));
        }
    }

    @Test
    void r16ShouldMakeADamagedIndexAnew() throws IOException {
        ReplicationQueue.open(QueueOptions.of(crashed)).close();
        List<String> damagedFiles = new ArrayList<>();
        try (var files = Files.list(crashed.resolve("index"))) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString();
                if (name.endsWith(".sst") || name.startsWith("MANIFEST") || name.equals("CURRENT")) {
                    byte[] bytes = Files.readAllBytes(file);
                    Arrays.fill(bytes, (byte) 0x5A);
                    Files.write(file, bytes);
                    damagedFiles.add(name);
                }
            }
        }
        assertFalse(damagedFiles.isEmpty());
        try (ReplicationQueue queue = ReplicationQueue.open(QueueOptions.of(crashed));
                QueueReader reader = queue.readAfter(position(3))) {
            assertTrue(queue.recovery().indexRebuilt());
            assertEquals(List.of(4L, 5L), Samples.seqs(reader));
        }
    }

    @Test
    void shouldKnowSchemasOfBothSegmentKinds() throws IOException {
        QueueInspector inspector = QueueInspector.open(crashed);
        assertEquals(Optional.of(ORDERS), inspector.schema(101, ORDERS.fingerprint()));
        assertEquals(Optional.empty(), inspector.schema(102, ITEMS.fingerprint()));
        assertEquals(position(5), inspector.tail());
    }
}
