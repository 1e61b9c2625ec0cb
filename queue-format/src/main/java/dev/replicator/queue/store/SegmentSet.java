package dev.replicator.queue.store;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Lsn;
import dev.replicator.queue.Position;
import dev.replicator.queue.format.RecordHeader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The queue's segments in order, and the way from a position to a place in them. Thread-safe. */
final class SegmentSet {
    /** Where to begin looking for a transaction in a closed segment. */
    interface Hints {
        Hints NONE = seq -> Optional.empty();

        Optional<QueueIndex.Place> floor(long seq) throws IOException;
    }

    /** A transaction found: its header, its offset, its segment. */
    record Found(Segment segment, RecordHeader header, long offset) {}

    private static final Logger LOG = LoggerFactory.getLogger(SegmentSet.class);

    private final ConcurrentSkipListMap<Long, Segment> segments = new ConcurrentSkipListMap<>();
    private final Hints hints;

    SegmentSet(Hints hints) {
        this.hints = hints;
    }

    void add(Segment segment) {
        segments.put(segment.number(), segment);
    }

    void remove(Segment segment) {
        segments.remove(segment.number());
        segment.remove();
    }

    Collection<Segment> all() {
        return segments.values();
    }

    boolean isEmpty() {
        return segments.isEmpty();
    }

    Segment first() {
        return segments.firstEntry().getValue();
    }

    /** The segment behind another, or null when there is none yet. */
    Segment after(Segment segment) throws PositionPrunedException {
        var next = segments.higherEntry(segment.number());
        if (next == null) {
            return null;
        }
        if (next.getKey() != segment.number() + 1) {
            throw new PositionPrunedException(
                    "the segment behind " + segment.file() + " was pruned while it was read; a re-sync is needed");
        }
        return next.getValue();
    }

    /** Opens a segment's file, also when it is renamed at this moment. */
    FileWindow open(Segment segment) throws IOException {
        while (true) {
            Path file = segment.file();
            try {
                return new FileWindow(file);
            } catch (NoSuchFileException e) {
                if (!segments.containsKey(segment.number())) {
                    throw new PositionPrunedException("segment " + file + " was pruned; a re-sync is needed", e);
                }
                // A look from outside does not hear of the owner's renaming.
                Path closed =
                        SegmentFiles.name(file.resolveSibling("").getParent(), segment.number(), SegmentFiles.CLOSED);
                if (segment.file().equals(file)) {
                    if (file.equals(closed) || !Files.exists(closed)) {
                        throw e;
                    }
                    segment.moved(closed);
                }
            }
        }
    }

    long firstSeq(long tailSeq) {
        for (Segment segment : segments.values()) {
            if (segment.stats().lastSeq() > segment.baseSeq()) {
                return Math.min(segment.baseSeq() + 1, tailSeq + 1);
            }
        }
        return tailSeq + 1;
    }

    long sizeBytes() {
        return segments.values().stream().mapToLong(Segment::sizeBytes).sum();
    }

    List<SegmentSummary> summaries() {
        return segments.values().stream().map(Segment::summary).toList();
    }

    boolean nothingFor(Collection<Integer> tableIds, long afterSeq) {
        for (Segment segment : segments.values()) {
            SegmentStats stats = segment.stats();
            boolean passed = segment.isClosed() && stats.lastSeq() < afterSeq;
            boolean control = !passed && stats.hasControlRecords();
            if (control || stats.lastSeq() > afterSeq && stats.concernsAny(tableIds)) {
                return false;
            }
        }
        return true;
    }

    /** Transaction {@code seq}, or empty when it is not here. */
    Optional<Found> find(long seq) throws IOException {
        for (Segment segment : segments.values()) {
            if (segment.baseSeq() < seq && seq <= segment.stats().lastSeq()) {
                return findIn(segment, seq);
            }
        }
        return Optional.empty();
    }

    /** Base of the first segment of an epoch that is here. */
    Position startOf(Epoch epoch) {
        return segments.values().stream()
                .filter(segment -> segment.epoch().equals(epoch))
                .findFirst()
                .orElseThrow()
                .header()
                .base();
    }

    /** The newest base of a segment at this seq, when no transaction of that number is here. */
    Optional<Position> baseAt(long seq) {
        return segments.descendingMap().values().stream()
                .map(segment -> segment.header().base())
                .filter(base -> base.seq() == seq)
                .findFirst();
    }

    private Optional<Found> findIn(Segment segment, long seq) throws IOException {
        try (FileWindow window = open(segment)) {
            long end = segment.durableEnd();
            long at = begin(segment, seq, window);
            while (at < end) {
                if (window.at(at, 4, end).getInt() == GroupTrailer.MAGIC) {
                    at += GroupTrailer.LENGTH;
                    continue;
                }
                RecordHeader header = Bodies.header(window, at, end);
                if (header.isTransaction() && header.seq() >= seq) {
                    return header.seq() == seq ? Optional.of(new Found(segment, header, at)) : Optional.empty();
                }
                at = segment.endOf(header, at);
            }
            return Optional.empty();
        }
    }

    private long hint(Segment segment, long seq) {
        if (!segment.isClosed()) {
            return segment.stats().floor(seq);
        }
        try {
            return hints.floor(seq)
                    .filter(place -> place.segment() == segment.number())
                    .map(QueueIndex.Place::offset)
                    .orElse(-1L);
        } catch (IOException e) {
            LOG.atWarn().setCause(e).log("the index does not answer; reading the segment from its front");
            return -1;
        }
    }

    private long begin(Segment segment, long seq, FileWindow window) throws IOException {
        long hint = hint(segment, seq);
        if (hint >= segment.openingEnd() && hint < segment.durableEnd()) {
            try {
                RecordHeader header = Bodies.header(window, hint, segment.durableEnd());
                if (header.isTransaction() && header.seq() <= seq) {
                    return hint;
                }
            } catch (CorruptQueueException e) {
                // Either the hint or the segment is wrong; reading from the front tells which.
                return segment.openingEnd();
            }
        }
        return segment.openingEnd();
    }

    /**
     * A reader behind a position; see {@link ReplicationQueue#readAfter}.
     *
     * @param tail the durable tail
     */
    SegmentReader readAfter(Position after, Position tail) throws IOException {
        Segment oldest = first();
        Epoch epoch = after.epoch();
        if (after.seq() < oldest.baseSeq() || epoch.number() < oldest.epoch().number()) {
            throw new PositionPrunedException("transaction " + (after.seq() + 1) + " of epoch " + epoch.number()
                    + " is no longer in the queue, which begins with " + (oldest.baseSeq() + 1) + " of epoch "
                    + oldest.epoch().number() + "; a re-sync is needed");
        }
        List<Segment> ofEpoch = segments.values().stream()
                .filter(segment -> segment.epoch().equals(epoch))
                .toList();
        if (ofEpoch.isEmpty()) {
            if (epoch.number() > tail.epoch().number() && after.seq() >= tail.seq()) {
                throw ahead(after, tail);
            }
            throw forked(after, "epoch " + epoch + " is not in the queue, whose tail is " + describe(tail));
        }
        boolean current = epoch.equals(tail.epoch());
        long last =
                current ? tail.seq() : ofEpoch.get(ofEpoch.size() - 1).stats().lastSeq();
        if (after.seq() > last) {
            if (current) {
                throw ahead(after, tail);
            }
            throw forked(after, "that epoch ended with seq " + last);
        }
        return locate(after, ofEpoch);
    }

    private SegmentReader locate(Position after, List<Segment> ofEpoch) throws IOException {
        for (Segment segment : ofEpoch) {
            if (segment.baseSeq() < after.seq()
                    && after.seq() <= segment.stats().lastSeq()) {
                Optional<Found> found = findIn(segment, after.seq());
                if (found.isEmpty()) {
                    throw new CorruptQueueException(
                            segment.file(),
                            segment.openingEnd(),
                            "transaction " + after.seq() + " is not in the segment that holds its number");
                }
                compare(after, found.get().header().position());
                long end = segment.endOf(found.get().header(), found.get().offset());
                return SegmentReader.behind(this, segment, end, after);
            }
        }
        for (Segment segment : ofEpoch) {
            if (segment.baseSeq() == after.seq()) {
                compare(after, segment.header().base());
                return SegmentReader.atStart(this, segment);
            }
        }
        throw forked(after, "that epoch begins behind seq " + ofEpoch.get(0).baseSeq());
    }

    private static void compare(Position asked, Position ours) throws ForkedHistoryException {
        if (asked.lsn() != ours.lsn()) {
            throw forked(asked, "our record of that seq ends at " + Lsn.format(ours.lsn()));
        }
    }

    private static ForkedHistoryException forked(Position asked, String ours) {
        return new ForkedHistoryException(
                "position " + describe(asked) + " belongs to another history: " + ours + "; a re-sync is needed");
    }

    private static PositionAheadException ahead(Position asked, Position tail) {
        return new PositionAheadException(
                "position " + describe(asked) + " is ahead of the queue's tail " + describe(tail));
    }

    private static String describe(Position position) {
        return "epoch " + position.epoch() + " seq " + position.seq() + " at " + Lsn.format(position.lsn());
    }
}
