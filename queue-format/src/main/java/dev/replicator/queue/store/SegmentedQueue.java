package dev.replicator.queue.store;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.RecordHeader;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The replication queue on segments. Puts the parts together: {@link GroupCommit} writes, {@link SegmentSet} and {@link
 * SegmentReader} read, {@link SchemaHistory} remembers schemas, {@link QueueIndex} finds quickly.
 */
final class SegmentedQueue implements ReplicationQueue {
    private static final Logger LOG = LoggerFactory.getLogger(SegmentedQueue.class);
    private static final String INDEX = "index";

    private final QueueOptions options;
    private final DirectoryLock directoryLock;
    private final QueueIndex index;
    private final SchemaHistory schemas = new SchemaHistory();
    private final SegmentSet segments;
    private final GroupCommit commit;
    private final SegmentShelf shelf;
    private final Appender appender;
    private final RecoveryReport recovery;
    /** Held by whoever removes segments. */
    private final Object pruning = new Object();

    private boolean closed;

    static ReplicationQueue open(QueueOptions options) throws IOException {
        return open(options, new FileStorage());
    }

    static SegmentedQueue open(QueueOptions options, Storage storage) throws IOException {
        return open(options, storage, GroupCommit.GATHERING);
    }

    /** @param gathering see {@link #mayGather} */
    static SegmentedQueue open(QueueOptions options, Storage storage, Duration gathering) throws IOException {
        Files.createDirectories(options.directory());
        List<Closeable> opened = new ArrayList<>();
        try {
            DirectoryLock directoryLock = DirectoryLock.acquire(options.directory());
            opened.add(directoryLock);
            QueueIndex index = openIndex(options.directory().resolve(INDEX));
            opened.add(index);
            return new SegmentedQueue(options, storage, directoryLock, index, new GroupCommit(gathering));
        } catch (IOException | RuntimeException e) {
            for (int i = opened.size() - 1; i >= 0; i--) {
                try {
                    opened.get(i).close();
                } catch (IOException onTop) {
                    e.addSuppressed(onTop);
                }
            }
            throw e;
        }
    }

    /** Opens the index, anew when it is damaged: all that counts is made again from the segments. */
    private static QueueIndex openIndex(Path directory) throws IOException {
        QueueIndex index = null;
        try {
            index = QueueIndex.open(directory);
            index.check();
            return index;
        } catch (IOException damaged) {
            if (QueueIndex.isFull(damaged)) {
                // Nothing is wrong with it: made anew it would not know the cursors.
                throw new QueueFullException(
                        "disk full: cannot open the queue's index in " + directory + "; make room and start again",
                        damaged);
            }
            LOG.atWarn()
                    .addKeyValue("index", directory)
                    .setCause(damaged)
                    .log("the index is damaged and is made anew from the segments");
            if (index != null) {
                index.close();
            }
            QueueIndex.destroy(directory);
            return QueueIndex.open(directory);
        }
    }

    private SegmentedQueue(
            QueueOptions options, Storage storage, DirectoryLock directoryLock, QueueIndex index, GroupCommit commit)
            throws IOException {
        this.options = options;
        this.commit = commit;
        this.directoryLock = directoryLock;
        this.index = index;
        this.segments = new SegmentSet(index::floor);
        Recovery run = new Recovery(options.directory(), storage, schemas, segments);
        SegmentWriter active = run.run(index.end());
        boolean rebuilt = active != null && adoptIndex(active.segment().header().queueId());
        this.recovery = run.report(rebuilt);
        this.shelf = new SegmentShelf(options.directory(), storage, schemas, segments, index);
        this.appender = new Appender(shelf, commit, schemas, options.segmentBytes());
        if (active != null) {
            shelf.identify(active.segment().header().queueId());
            commit.begin(active, durableOf(active.segment()));
            appender.resume(commit.durable().tail());
        }
        commit.start();
    }

    private static Durable durableOf(Segment active) {
        SegmentStats stats = active.stats();
        Position tail = new Position(active.epoch(), stats.lastSeq(), stats.lastLsn());
        return new Durable(tail, stats.sourceLsn(), 0);
    }

    /** Brings the index up to the segments; true when it had to be made anew. */
    private boolean adoptIndex(UUID id) throws IOException {
        boolean rebuilt = !index.queueId().equals(Optional.of(id));
        if (rebuilt) {
            index.clearEntries();
            index.setQueueId(id);
        }
        Recovery.catchUp(index, segments);
        return rebuilt;
    }

    @Override
    public RecoveryReport recovery() {
        return recovery;
    }

    @Override
    public boolean hasHistory() {
        return commit.durable() != null;
    }

    @Override
    public void startHistory(Position base) throws IOException {
        appender.refuseWhileLarge("a new history");
        if (!hasHistory()) {
            beginFirst(base);
            return;
        }
        if (base.seq() < appender.lastSeq()) {
            throw new IllegalArgumentException(
                    "a history from seq " + base.seq() + " would use numbers twice: the tail is " + appender.lastSeq());
        }
        appender.startHistory(base);
    }

    private void beginFirst(Position base) throws IOException {
        UUID queueId = UUID.randomUUID();
        index.setQueueId(queueId);
        shelf.identify(queueId);
        commit.begin(shelf.begin(base), new Durable(base, base.lsn(), 0));
        appender.resume(base);
    }

    @Override
    public void resetTo(Position base) throws IOException {
        appender.refuseWhileLarge("a reset");
        if (!hasHistory()) {
            beginFirst(base);
            return;
        }
        synchronized (pruning) {
            List<Segment> old = new ArrayList<>(segments.all());
            appender.reset(base);
            shelf.remove(old);
            index.clearEntries();
        }
    }

    @Override
    public Position durableTail() {
        return durable().tail();
    }

    @Override
    public long durableLsn() {
        return durable().sourceLsn();
    }

    private Durable durable() {
        Durable durable = commit.durable();
        if (durable == null) {
            throw new IllegalStateException("queue " + options.directory() + " has no history yet");
        }
        return durable;
    }

    @Override
    public long firstSeq() {
        return segments.firstSeq(durable().tail().seq());
    }

    @Override
    public Position epochStart() {
        return segments.startOf(epoch());
    }

    @Override
    public Epoch epoch() {
        return durable().tail().epoch();
    }

    @Override
    public long sizeBytes() {
        return segments.sizeBytes();
    }

    @Override
    public QueueWriter writer() {
        return appender;
    }

    @Override
    public QueueReader readAfter(Position after) throws IOException {
        return segments.readAfter(after, durable().tail());
    }

    @Override
    public QueueReader readFromStart() throws IOException {
        durable();
        while (true) {
            Segment first = segments.first();
            try {
                return SegmentReader.atStart(segments, first);
            } catch (PositionPrunedException e) {
                // Pruned between the two lines; the next one is first now.
                LOG.atDebug().addKeyValue("segment", first.file()).log("first segment was pruned meanwhile");
            }
        }
    }

    @Override
    public Optional<Position> positionOf(long seq) throws IOException {
        Position tail = durable().tail();
        if (seq > tail.seq()) {
            return Optional.empty();
        }
        Optional<SegmentSet.Found> found = segments.find(seq);
        if (found.isPresent()) {
            return found.map(record -> record.header().position());
        }
        return segments.baseAt(seq);
    }

    @Override
    public Optional<RecordHeader> transaction(long seq) throws IOException {
        return segments.find(seq).map(SegmentSet.Found::header);
    }

    @Override
    public Optional<TableSchema> schema(int tableId, long fingerprint) {
        return schemas.find(tableId, fingerprint);
    }

    @Override
    public Map<Integer, TableSchema> schemasAt(long seq) {
        return schemas.at(seq);
    }

    @Override
    public KeyValueStore values() {
        return index;
    }

    @Override
    public long pruneUpTo(long seq) throws IOException {
        synchronized (pruning) {
            List<Segment> done = new ArrayList<>();
            for (Segment segment : segments.all()) {
                if (!segment.summary().isOverAt(seq)) {
                    break;
                }
                done.add(segment);
            }
            return shelf.remove(done);
        }
    }

    @Override
    public List<SegmentSummary> segments() {
        return segments.summaries();
    }

    @Override
    public boolean awaitProgress(long seenLsn, long seenRecords, Duration timeout) throws InterruptedException {
        return commit.awaitProgress(seenLsn, seenRecords, timeout, true);
    }

    @Override
    public void mayGather(boolean allowed) {
        commit.mayGather(allowed);
    }

    @Override
    public boolean noticeProgress(long seenLsn, long seenRecords, Duration timeout) throws InterruptedException {
        return commit.awaitProgress(seenLsn, seenRecords, timeout, false);
    }

    @Override
    public boolean awaitWritten(long seenRecords, Duration timeout) throws InterruptedException {
        return commit.awaitWritten(seenRecords, timeout);
    }

    @Override
    public long writtenRecords() {
        durable();
        return commit.written().records();
    }

    @Override
    public long durableRecords() {
        return durable().records();
    }

    @Override
    public boolean nothingFor(Collection<Integer> tableIds, long afterSeq) {
        return segments.nothingFor(tableIds, afterSeq);
    }

    @Override
    public void close() throws IOException {
        if (closed) {
            return;
        }
        closed = true;
        try (directoryLock;
                index) {
            commit.close();
            SegmentWriter active = commit.target();
            if (active != null && commit.isClean()) {
                index.setEnd(new QueueIndex.Place(active.segment().number(), active.end()));
            }
        }
    }
}
