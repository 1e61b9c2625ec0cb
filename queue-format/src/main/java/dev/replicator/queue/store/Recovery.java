package dev.replicator.queue.store;

import dev.replicator.queue.Position;
import dev.replicator.queue.format.RecordHeader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a directory whole again after whatever ended its last writer. Steps, each repeatable after a crash in it: remove
 * files that never joined; finish a closing or a reset that was under way; read the closed segments' footers; scan the
 * open one and cut its torn end; bring the index up.
 */
final class Recovery {
    private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);

    private final Path directory;
    private final Storage storage;
    private final SchemaHistory schemas;
    private final SegmentSet segments;
    private RecoveryReport.Cut cut;
    private int abandonedFiles;

    Recovery(Path directory, Storage storage, SchemaHistory schemas, SegmentSet segments) {
        this.directory = directory;
        this.storage = storage;
        this.schemas = schemas;
        this.segments = segments;
    }

    /**
     * Recovers the segments.
     *
     * @param acknowledged where the last orderly stop left the tail, when that is known: nothing below it is torn
     * @return the writer of the active segment, or null when the queue is empty
     */
    SegmentWriter run(Optional<QueueIndex.Place> acknowledged) throws IOException {
        SegmentFiles files = SegmentFiles.list(directory);
        removeAbandoned(files);
        TreeMap<Long, Path> all = new TreeMap<>(files.closed());
        all.putAll(files.open());
        if (all.isEmpty()) {
            return null;
        }
        finishReset(all);
        SegmentLoader.checkNumbers(all);
        SegmentWriter active = null;
        for (Map.Entry<Long, Path> entry : all.entrySet()) {
            boolean last = entry.getKey().equals(all.lastKey());
            if (files.open().containsKey(entry.getKey())) {
                active = recoverOpen(entry.getValue(), last, acknowledged);
            } else {
                SegmentLoader.addClosed(entry.getValue(), segments, schemas);
            }
        }
        SegmentLoader.checkChain(segments);
        return active == null ? beginBehind() : active;
    }

    RecoveryReport report(boolean indexRebuilt) {
        return new RecoveryReport(Optional.ofNullable(cut), indexRebuilt, abandonedFiles);
    }

    private void removeAbandoned(SegmentFiles files) throws IOException {
        for (Path file : files.abandoned()) {
            LOG.atInfo().addKeyValue("file", file).log("removing a segment that was never completed");
            storage.delete(file);
            if (file.toString().endsWith("." + SegmentFiles.LARGE)) {
                abandonedFiles++;
            }
        }
    }

    /** A segment that says "reset" gives up everything before it; its creator may have died before removing that. */
    private void finishReset(TreeMap<Long, Path> all) throws IOException {
        Long reset = SegmentLoader.lastReset(all);
        if (reset != null) {
            Map<Long, Path> old = all.headMap(reset);
            for (Path file : old.values()) {
                storage.delete(file);
            }
            old.clear();
        }
    }

    private SegmentWriter recoverOpen(Path file, boolean last, Optional<QueueIndex.Place> acknowledged)
            throws IOException {
        SegmentLoader.Opened opened = SegmentLoader.scanOpen(file, schemas);
        Segment segment = opened.segment();
        if (opened.footer() != null) {
            finishClosing(file, segment, opened.footer());
            return null;
        }
        refuseLoss(segment, last, acknowledged, opened.size());
        segments.add(segment);
        long torn = opened.size() - segment.durableEnd();
        if (torn > 0) {
            cut = new RecoveryReport.Cut(file, segment.durableEnd(), torn);
            LOG.atWarn()
                    .addKeyValue("file", file)
                    .addKeyValue("offset", segment.durableEnd())
                    .addKeyValue("bytes", torn)
                    .log("cutting a commit group that was never completed");
        }
        CRC32C crc;
        try (FileWindow window = new FileWindow(file)) {
            crc = SegmentScanner.contentCrc(window, segment.durableEnd());
        }
        return SegmentWriter.reopen(storage, segment, crc, opened.size());
    }

    private void finishClosing(Path file, Segment segment, SegmentFooter footer) throws IOException {
        Path closed = SegmentFiles.name(directory, segment.number(), SegmentFiles.CLOSED);
        storage.rename(file, closed);
        storage.syncDirectory(directory);
        segment.close(closed, footer);
        segments.add(segment);
    }

    private static void refuseLoss(Segment segment, boolean last, Optional<QueueIndex.Place> acknowledged, long size)
            throws CorruptQueueException {
        long end = segment.durableEnd();
        if (!last) {
            throw new CorruptQueueException(
                    segment.file(), end, "the segment has no footer, but another one follows it (size " + size + ")");
        }
        if (acknowledged.isPresent()
                && acknowledged.get().segment() == segment.number()
                && acknowledged.get().offset() > end) {
            throw new CorruptQueueException(
                    segment.file(),
                    end,
                    "readable up to here, but the last orderly stop left "
                            + acknowledged.get().offset() + " durable bytes");
        }
    }

    /** The last segment was closed and the next one never came to be. */
    private SegmentWriter beginBehind() throws IOException {
        List<Segment> all = new ArrayList<>(segments.all());
        Segment last = all.get(all.size() - 1);
        SegmentStats stats = last.stats();
        Position base = new Position(last.epoch(), stats.lastSeq(), stats.lastLsn());
        SegmentHeader header = new SegmentHeader(
                last.number() + 1, 0, last.header().queueId(), base, stats.sourceLsn(), System.currentTimeMillis());
        SegmentWriter writer = SegmentWriter.create(storage, directory, header, schemas.opening());
        writer.publish();
        storage.syncDirectory(directory);
        segments.add(writer.segment());
        return writer;
    }

    /** Adds what the index lacks of the closed segments. */
    static void catchUp(QueueIndex index, SegmentSet segments) throws IOException {
        for (Segment segment : segments.all()) {
            if (segment.isClosed() && !index.has(segment.number(), segment.contentCrc())) {
                index.addSegment(segment.number(), segment.contentCrc(), entries(segments, segment));
            }
        }
    }

    private static List<long[]> entries(SegmentSet segments, Segment segment) throws IOException {
        SegmentStats sparse = new SegmentStats(segment.header());
        long at = segment.openingEnd();
        long end = segment.durableEnd();
        try (FileWindow window = segments.open(segment)) {
            while (at < end) {
                if (window.at(at, 4, end).getInt() == GroupTrailer.MAGIC) {
                    at += GroupTrailer.LENGTH;
                } else {
                    RecordHeader header = Bodies.header(window, at, end);
                    sparse.add(header, at);
                    at = segment.endOf(header, at);
                }
            }
        }
        return sparse.sparse();
    }
}
