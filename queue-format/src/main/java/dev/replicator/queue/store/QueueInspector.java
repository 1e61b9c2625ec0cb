package dev.replicator.queue.store;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A queue's directory, read-only, as it stood when it was opened; a daemon may have it open meanwhile. Touches neither
 * lock nor index. Needs no closing. Thread-safe.
 */
public final class QueueInspector {
    private static final int MOST_ATTEMPTS = 20;

    private static final Logger LOG = LoggerFactory.getLogger(QueueInspector.class);

    private final SegmentSet segments = new SegmentSet(SegmentSet.Hints.NONE);
    private final SchemaHistory schemas = new SchemaHistory();
    private final Path directory;
    private long uncommittedBytes;

    private QueueInspector(Path directory) {
        this.directory = directory;
    }

    /**
     * Reads the directory.
     *
     * @throws NoSuchFileException when there is no queue
     * @throws CorruptQueueException naming file and offset when something that was durable is damaged
     */
    public static QueueInspector open(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            throw new NoSuchFileException(directory.toString(), null, "no such directory, so no queue");
        }
        for (int attempt = 1; ; attempt++) {
            try {
                QueueInspector inspector = new QueueInspector(directory);
                inspector.load();
                return inspector;
            } catch (NoSuchFileException e) {
                // A segment was closed or pruned between listing and reading.
                if (attempt == MOST_ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    private void load() throws IOException {
        SegmentFiles files = SegmentFiles.list(directory);
        TreeMap<Long, Path> all = new TreeMap<>(files.open());
        // One renamed while listing shows twice.
        all.putAll(files.closed());
        if (all.isEmpty()) {
            return;
        }
        Long reset = SegmentLoader.lastReset(all);
        if (reset != null) {
            all.headMap(reset).clear();
        }
        SegmentLoader.checkNumbers(all);
        for (Path file : all.values()) {
            if (files.closed().containsValue(file)) {
                SegmentLoader.addClosed(file, segments, schemas);
            } else {
                addOpen(file);
            }
        }
        SegmentLoader.checkChain(segments);
    }

    private void addOpen(Path file) throws IOException {
        SegmentLoader.Opened opened = SegmentLoader.scanOpen(file, schemas);
        if (opened.suspect() != null) {
            throw opened.suspect();
        }
        segments.add(opened.segment());
        if (opened.footer() != null) {
            opened.segment().close(file, opened.footer());
        } else {
            uncommittedBytes += opened.size() - opened.segment().durableEnd();
        }
    }

    public Path directory() {
        return directory;
    }

    /** False when there is no segment: the queue knows no epoch. */
    public boolean hasHistory() {
        return !segments.isEmpty();
    }

    /** Random id of the queue. Needs a history. */
    public UUID queueId() {
        return last().header().queueId();
    }

    /** Position of the last transaction in a complete commit group, or the base. Needs a history. */
    public Position tail() {
        Segment last = last();
        return new Position(last.epoch(), last.stats().lastSeq(), last.stats().lastLsn());
    }

    /** End LSN up to which the source is known. Needs a history. */
    public long sourceLsn() {
        return last().stats().sourceLsn();
    }

    public Epoch epoch() {
        return last().epoch();
    }

    /** seq of the first transaction here; tail + 1 when there is none. */
    public long firstSeq() {
        return segments.firstSeq(tail().seq());
    }

    public long sizeBytes() {
        return segments.sizeBytes();
    }

    /** Bytes behind the last complete commit group: a group just being written, or torn by a crash. */
    public long uncommittedBytes() {
        return uncommittedBytes;
    }

    /** Segments from oldest to newest. */
    public List<SegmentSummary> segments() {
        return segments.summaries();
    }

    public Optional<TableSchema> schema(int tableId, long fingerprint) {
        return schemas.find(tableId, fingerprint);
    }

    /** For each table the schema in force behind transaction {@code seq}, by table id. */
    public Map<Integer, TableSchema> schemasAt(long seq) {
        return schemas.at(seq);
    }

    /** A reader from the first record there is. Needs a history. */
    public QueueReader readFromStart() throws IOException {
        return SegmentReader.atStart(segments, segments.first());
    }

    /** A reader whose next transaction is {@code seq}, or empty when that is not here. */
    public Optional<QueueReader> readAt(long seq) throws IOException {
        Optional<SegmentSet.Found> found = segments.find(seq);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        SegmentSet.Found record = found.get();
        Position before = new Position(
                record.segment().epoch(), seq - 1, record.segment().header().sourceLsn());
        return Optional.of(SegmentReader.behind(segments, record.segment(), record.offset(), before));
    }

    /**
     * Checks every byte of every segment.
     *
     * @param progress gets the bytes done so far, see {@link #sizeBytes()}
     * @throws CorruptQueueException naming the first damaged file and offset
     */
    public void verify(LongConsumer progress) throws IOException {
        long done = 0;
        for (Segment segment : new ArrayList<>(segments.all())) {
            try (FileWindow window = segments.open(segment)) {
                new SegmentVerifier(segment, window, schemas).verify();
            } catch (NoSuchFileException pruned) {
                LOG.atInfo().addKeyValue("segment", segment.file()).log("pruned while the queue was verified");
            }
            done += segment.sizeBytes();
            progress.accept(done);
        }
    }

    private Segment last() {
        Segment last = null;
        for (Segment segment : segments.all()) {
            last = segment;
        }
        if (last == null) {
            throw new IllegalStateException("queue " + directory + " has no history yet");
        }
        return last;
    }
}
