package dev.replicator.queue.store;

import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.RecordHeader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** Reads what is needed to know of segments from their files, changing nothing. */
final class SegmentLoader {
    /**
     * An open segment as a scan found it.
     *
     * @param footer its footer if it was about to be closed, or null
     * @param size of the file; what stands behind the segment's durable end is no complete group
     * @param suspect why that looks like damage rather than a torn end, or null
     */
    record Opened(Segment segment, SegmentFooter footer, long size, CorruptQueueException suspect) {}

    private SegmentLoader() {}

    /** Number of the newest segment that gives up everything before it, or null. */
    static Long lastReset(TreeMap<Long, Path> files) throws IOException {
        Long reset = null;
        for (Map.Entry<Long, Path> entry : files.entrySet()) {
            try (FileWindow window = new FileWindow(entry.getValue())) {
                SegmentHeader header = Segment.readHeader(window);
                if (header.number() != entry.getKey()) {
                    throw new CorruptQueueException(
                            entry.getValue(), 24, "the file's name and its number " + header.number() + " differ");
                }
                reset = header.isReset() ? entry.getKey() : reset;
            }
        }
        return reset;
    }

    /** Refuses a hole in the order of segments. */
    static void checkNumbers(TreeMap<Long, Path> files) throws IOException {
        long expected = files.firstKey();
        for (Map.Entry<Long, Path> entry : files.entrySet()) {
            if (entry.getKey() != expected) {
                throw new CorruptQueueException(
                        entry.getValue(), 0, "segment " + expected + " in front of it is missing");
            }
            expected++;
        }
    }

    /** Refuses a segment that does not go on where the one before it ended. */
    static void checkChain(SegmentSet segments) throws IOException {
        Segment previous = null;
        for (Segment segment : segments.all()) {
            if (previous != null
                    && segment.epoch().equals(previous.epoch())
                    && segment.baseSeq() != previous.stats().lastSeq()) {
                throw new CorruptQueueException(
                        segment.file(),
                        68,
                        "begins behind seq " + segment.baseSeq() + ", but the segment before ends with "
                                + previous.stats().lastSeq());
            }
            previous = segment;
        }
    }

    /** Adds a closed segment and the schemas it brings. */
    static void addClosed(Path file, SegmentSet segments, SchemaHistory schemas) throws IOException {
        boolean first = segments.isEmpty();
        Segment segment = Segment.readClosed(file);
        segments.add(segment);
        try (FileWindow window = new FileWindow(file)) {
            if (first) {
                long at = segment.openingStart();
                long end = segment.openingEnd();
                while (at < end && window.at(at, 4, end).getInt() != GroupTrailer.MAGIC) {
                    at = addSchema(window, at, end, schemas);
                }
            }
            for (long offset : segment.stats().schemaOffsets()) {
                addSchema(window, offset, segment.durableEnd(), schemas);
            }
        }
    }

    private static long addSchema(FileWindow window, long offset, long limit, SchemaHistory schemas)
            throws IOException {
        RecordHeader header = Bodies.header(window, offset, limit);
        Bodies.walk(
                window,
                offset + header.headerLength(),
                header.bodyLength(),
                block -> true,
                (block, bytes) -> schemas.add(header.seq(), SegmentScanner.schemaOf(window, offset, bytes)));
        return offset + header.totalLength();
    }

    /** Scans the open segment and takes up its schemas. */
    static Opened scanOpen(Path file, SchemaHistory schemas) throws IOException {
        try (FileWindow window = new FileWindow(file)) {
            SegmentHeader header = Segment.readHeader(window);
            long size = window.size();
            SegmentStats stats = new SegmentStats(header);
            SegmentScanner.Visitor visitor = (record, offset, schema) -> {
                stats.add(record, offset);
                remember(record, schema, schemas);
            };
            SegmentScanner.Result scan = new SegmentScanner(window, header, size, false, visitor).scan();
            Segment segment = new Segment(file, header, stats, SegmentHeader.LENGTH, scan.openingEnd(), scan.end());
            return new Opened(segment, scan.footer(), size, scan.suspect());
        }
    }

    private static void remember(RecordHeader record, TableSchema schema, SchemaHistory schemas) {
        if (schema != null) {
            schemas.add(record.seq(), schema);
        } else if (record.isTransaction()) {
            schemas.transactionAppended();
        }
    }
}
