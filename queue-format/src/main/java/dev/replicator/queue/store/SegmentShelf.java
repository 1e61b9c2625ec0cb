package dev.replicator.queue.store;

import dev.replicator.queue.Position;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Creates, closes, joins and removes segments in a directory, each in steps of which every prefix is a state that
 * recovery understands. Used by the writing thread, except {@link #remove}.
 */
final class SegmentShelf {
    private static final Logger LOG = LoggerFactory.getLogger(SegmentShelf.class);

    private final Path directory;
    private final Storage storage;
    private final SchemaHistory schemas;
    private final SegmentSet segments;
    private final QueueIndex index;
    private UUID queueId;

    SegmentShelf(Path directory, Storage storage, SchemaHistory schemas, SegmentSet segments, QueueIndex index) {
        this.directory = directory;
        this.storage = storage;
        this.schemas = schemas;
        this.segments = segments;
        this.index = index;
    }

    Path directory() {
        return directory;
    }

    void identify(UUID id) {
        queueId = id;
    }

    private SegmentHeader header(long number, int flags, Position base, long sourceLsn) {
        return new SegmentHeader(number, flags, queueId, base, sourceLsn, System.currentTimeMillis());
    }

    private SegmentWriter create(long number, int flags, Position base, long sourceLsn) throws IOException {
        return SegmentWriter.create(storage, directory, header(number, flags, base, sourceLsn), schemas.opening());
    }

    private void publish(SegmentWriter writer) throws IOException {
        writer.publish();
        storage.syncDirectory(directory);
        segments.add(writer.segment());
    }

    /** The first segment of an empty queue. */
    SegmentWriter begin(Position base) throws IOException {
        SegmentWriter writer = create(1, 0, base, base.lsn());
        publish(writer);
        return writer;
    }

    /** Closes the active segment and opens the next one. On a full disk everything is as before. */
    SegmentWriter roll(SegmentWriter current, Position base, long sourceLsn) throws IOException {
        SegmentWriter next = create(current.segment().number() + 1, 0, base, sourceLsn);
        finish(current, next);
        publish(next);
        return next;
    }

    /** Closes the active segment, joins a large transaction's, opens the next one. */
    SegmentWriter join(SegmentWriter current, Segment large, Position base, long sourceLsn) throws IOException {
        SegmentWriter next = create(large.number() + 1, 0, base, sourceLsn);
        finish(current, next);
        Path joined = SegmentFiles.name(directory, large.number(), SegmentFiles.CLOSED);
        storage.rename(large.file(), joined);
        storage.syncDirectory(directory);
        large.moved(joined);
        segments.add(large);
        addToIndex(large);
        publish(next);
        return next;
    }

    /** Opens a segment that gives up everything before it; the caller removes that. */
    SegmentWriter reset(SegmentWriter current, Position base) throws IOException {
        SegmentHeader header = header(current.segment().number() + 1, SegmentHeader.FLAG_RESET, base, base.lsn());
        SegmentWriter next = SegmentWriter.create(storage, directory, header, List.of());
        publish(next);
        schemas.clear();
        current.close();
        return next;
    }

    /** A new large transaction's file behind the active segment. */
    LargeTransaction beginLarge(Segment active, LargeTransaction.Owner owner) throws IOException {
        SegmentStats stats = active.stats();
        Position base = new Position(active.epoch(), stats.lastSeq(), stats.lastLsn());
        SegmentHeader header = header(active.number() + 1, SegmentHeader.FLAG_LARGE, base, stats.sourceLsn());
        return new LargeTransaction(storage, directory, header, owner);
    }

    private void finish(SegmentWriter current, SegmentWriter next) throws IOException {
        try {
            current.finish();
        } catch (QueueFullException e) {
            next.abandon();
            throw e;
        }
        storage.syncDirectory(directory);
        addToIndex(current.segment());
        current.segment().stats().forgetSparse();
    }

    /** The index may lag: opening the queue catches up, and until then look-ups read the segment from its front. */
    private void addToIndex(Segment segment) {
        try {
            index.addSegment(
                    segment.number(), segment.contentCrc(), segment.stats().sparse());
        } catch (IOException e) {
            LOG.atWarn()
                    .addKeyValue("segment", segment.file())
                    .setCause(e)
                    .log("segment could not be added to the index");
        }
    }

    /**
     * Removes segments, oldest first, each durably before the next: a power failure must not leave a hole.
     *
     * @return bytes freed
     */
    long remove(List<Segment> oldest) throws IOException {
        long freed = 0;
        for (Segment segment : oldest) {
            segments.remove(segment);
            storage.delete(segment.file());
            storage.syncDirectory(directory);
            index.removeSegment(
                    segment.number(), segment.baseSeq() + 1, segment.stats().lastSeq());
            freed += segment.sizeBytes();
        }
        return freed;
    }
}
