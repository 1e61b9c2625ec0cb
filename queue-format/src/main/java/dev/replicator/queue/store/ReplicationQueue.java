package dev.replicator.queue.store;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.RecordHeader;
import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A durable, ordered log of records. Thread-safe, except that {@link #writer()} belongs to one thread.
 *
 * <p>Opening recovers: the last commit group may be torn and is cut; anything else that is damaged stops with file and
 * offset (rule R16). A lost or damaged index is rebuilt from the segments.
 */
public interface ReplicationQueue extends AutoCloseable {

    /**
     * Opens or creates the queue in a directory and locks it against a second process.
     *
     * @throws CorruptQueueException when a closed or acknowledged part is damaged
     * @throws QueueLockedException naming the process that holds the directory
     */
    static ReplicationQueue open(QueueOptions options) throws IOException {
        return SegmentedQueue.open(options);
    }

    /** What recovery did when the queue was opened: bytes cut from a torn tail, whether the index was rebuilt. */
    RecoveryReport recovery();

    /** False until {@link #startHistory}: an empty queue knows no epoch. */
    boolean hasHistory();

    /**
     * Begins the first epoch, or the next one: rolls the segment. {@code base.seq()} must not be below the tail's seq;
     * records already here stay readable until retired. Durable when it returns.
     */
    void startHistory(Position base) throws IOException;

    /** Removes every record and begins at {@code base} (rule R07: a forwarder behind capture's first record). */
    void resetTo(Position base) throws IOException;

    /** Position of the last durable transaction; the base when there is none. Needs a history. */
    Position durableTail();

    /** End LSN up to which the source is known durably: the later of last transaction and last heartbeat. */
    long durableLsn();

    /** seq of the first transaction still here; tail + 1 when there is none. */
    long firstSeq();

    /** Position before the first transaction of the newest epoch that is here. */
    Position epochStart();

    /** Epoch of the newest records. */
    Epoch epoch();

    /** Bytes of all segments. */
    long sizeBytes();

    /** The one writer. */
    QueueWriter writer();

    /**
     * A reader that stands behind a position and sees durable records only.
     *
     * @throws PositionPrunedException when transaction {@code after.seq() + 1} is no longer here (never the next record
     *     there is, rule R07)
     * @throws ForkedHistoryException when the LSN or epoch of {@code after} is not that of our record (rule R06)
     * @throws PositionAheadException when {@code after} is beyond our tail
     */
    QueueReader readAfter(Position after) throws IOException;

    /**
     * A reader from the first record there is, control records included; it begins with copies of the schemas in force
     * there ({@link dev.replicator.queue.format.RecordHeader#FLAG_REPEATED}). A reader that comes to a later segment is
     * not given that segment's copies: it has met those schemas. {@link #readAfter} behind a transaction begins without
     * any, see {@link #schemasAt}.
     */
    QueueReader readFromStart() throws IOException;

    /**
     * Position of transaction {@code seq}, or empty when it is not here. The base of a history, and the transaction in
     * front of the first one that is here, are known too.
     */
    Optional<Position> positionOf(long seq) throws IOException;

    /** Header of transaction {@code seq}, or empty when it is not here. */
    Optional<RecordHeader> transaction(long seq) throws IOException;

    /** Schema of a block; empty when the queue never saw it. */
    Optional<TableSchema> schema(int tableId, long fingerprint);

    /** For each table the schema in force behind transaction {@code seq}, by table id. */
    Map<Integer, TableSchema> schemasAt(long seq);

    /** Cursors of slaves and other small durable values, by name. Lost together with the index; see R16. */
    KeyValueStore values();

    /**
     * Removes whole segments from the oldest on, as far as they {@link SegmentSummary#isOverAt are over} at {@code seq}.
     *
     * @return bytes freed
     */
    long pruneUpTo(long seq) throws IOException;

    /** Segments from oldest to newest, for {@code queue describe} and retention. */
    List<SegmentSummary> segments();

    /** Blocks until the durable tail or LSN moved beyond what the caller saw, or time is up. */
    boolean awaitProgress(long seenLsn, long seenRecords, Duration timeout) throws InterruptedException;

    /**
     * Sets whether records may be gathered for some milliseconds, and made durable all at once, while nobody waits in
     * {@link #awaitProgress} or {@link QueueWriter#sync}. At first they may not.
     */
    void mayGather(boolean allowed);

    /** {@link #awaitProgress} without hurry: it does not count as waiting. */
    boolean noticeProgress(long seenLsn, long seenRecords, Duration timeout) throws InterruptedException;

    /** Blocks until more was written than the caller saw, durable or not, or time is up. */
    boolean awaitWritten(long seenRecords, Duration timeout) throws InterruptedException;

    /** Counts records written since opening, durable or not: the mark for {@link #awaitWritten}. */
    long writtenRecords();

    /** Counts durable records since opening; together with {@link #durableLsn()} the mark for {@link #awaitProgress}. */
    long durableRecords();

    /**
     * True when no record between transaction {@code afterSeq} and the tail concerns one of the tables, judged by segment
     * summaries alone; false when that cannot be told cheaply.
     */
    boolean nothingFor(Collection<Integer> tableIds, long afterSeq);

    @Override
    void close() throws IOException;
}
