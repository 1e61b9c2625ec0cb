package dev.replicator.forwarder;

import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.store.ForkedHistoryException;
import dev.replicator.queue.store.LargeRecord;
import dev.replicator.queue.store.QueueFullException;
import dev.replicator.queue.store.QueueWriter;
import dev.replicator.queue.store.ReplicationQueue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The only place that appends to the queue. Two parties do: the capture connection in force, and the forwarder itself
 * with TABLE_SET records. All methods are guarded by the monitor. A TABLE_SET record that comes while a large
 * transaction is half received stands before it.
 */
final class QueueAppender {
    private static final Logger LOG = LoggerFactory.getLogger(QueueAppender.class);

    private final ReplicationQueue queue;
    private Object owner;
    private LargeRecord large;

    QueueAppender(ReplicationQueue queue) {
        this.queue = queue;
    }

    /** From here on only {@code newOwner} appends; what the former one left half received is dropped. */
    synchronized void takeOver(Object newOwner) throws IOException {
        abandonLarge();
        owner = newOwner;
        sync();
    }

    /** Ends an ownership; does nothing when another one took over meanwhile. */
    synchronized void release(Object formerOwner) throws IOException {
        if (owner == formerOwner) {
            abandonLarge();
            owner = null;
        }
    }

    /** Makes durable what was appended. */
    synchronized void sync() throws IOException {
        if (queue.hasHistory()) {
            writer().sync();
        }
    }

    synchronized long lastSeq() {
        return queue.hasHistory() ? writer().lastSeq() : 0;
    }

    synchronized void append(Object by, RecordHeader header, ByteBuffer image) throws IOException {
        checkOwner(by);
        writer().append(header, image);
    }

    /** Shows senders what was appended, before it is durable. */
    synchronized void write(Object by) throws IOException {
        if (owner == by && queue.hasHistory()) {
            writer().write();
        }
    }

    /** Starts a transaction that is not held in memory; the next calls are {@link #appendLarge} and {@link #endLarge}. */
    synchronized void beginLarge(Object by) throws IOException {
        checkOwner(by);
        large = writer().beginLarge();
    }

    synchronized void appendLarge(Object by, ByteBuffer block) throws IOException {
        checkOwner(by);
        large.appendBody(block);
    }

    synchronized void endLarge(Object by, RecordHeader header) throws IOException {
        checkOwner(by);
        large.commit(header);
        large.close();
        large = null;
    }

    /** Begins a history at {@code base}; see {@link ReplicationQueue#startHistory}. */
    synchronized void startHistory(Object by, Position base) throws IOException {
        checkOwner(by);
        abandonLarge();
        queue.startHistory(base);
    }

    /** Removes everything and begins at {@code base}; see {@link ReplicationQueue#resetTo}. */
    synchronized void resetTo(Object by, Position base) throws IOException {
        checkOwner(by);
        abandonLarge();
        queue.resetTo(base);
    }

    /**
     * Compares what is sent again with our record of the same seq (rule R06).
     *
     * @throws ForkedHistoryException when they differ
     */
    synchronized void checkRepeated(Position sent) throws IOException {
        Optional<Position> ours = queue.positionOf(sent.seq());
        if (ours.isEmpty() && queue.durableTail().seq() == sent.seq()) {
            ours = Optional.of(queue.durableTail());
        }
        // An epoch begins with the number the one before ended with; only positions of one epoch can be compared.
        boolean comparable = ours.isPresent() && ours.get().epoch().equals(sent.epoch());
        if (comparable && !ours.get().equals(sent)) {
            throw new ForkedHistoryException("capture sent " + sent + ", this queue has " + ours.get()
                    + ": the histories differ; find out which master database capture reads, or begin a new epoch"
                    + " with 'replicator capture --config FILE --new-epoch'");
        }
    }

    /**
     * Whether a SCHEMA record tells something new. What capture sends again behind the tail does not, and least of all an
     * earlier incarnation: were the connection lost behind it, it would stand last here, and a capture that takes this
     * history over would count from it. Of the copies capture's spool begins with, only those of tables that are not known
     * here, or of a later incarnation: this queue has lost what they repeat.
     */
    synchronized boolean isNews(TableSchema schema, boolean repeated) {
        TableSchema current = queue.schemasAt(lastSeq()).get(schema.tableId());
        if (current == null || current.incarnation() != schema.incarnation()) {
            return current == null || current.incarnation() < schema.incarnation();
        }
        return !repeated && !schema.equals(current);
    }

    /**
     * Appends a TABLE_SET record behind the last transaction, durably.
     *
     * @param placed told the seq it got
     */
    synchronized void appendTableSet(String json, PlacedRecord placed) throws IOException {
        Position tail = queue.durableTail();
        Position at = new Position(queue.epoch(), writer().lastSeq(), tail.lsn());
        ByteBuffer image = ControlRecords.json(RecordKind.TABLE_SET, 0, at, List.of(0), json);
        RecordHeader header = RecordHeader.decode(image.duplicate(), "TABLE_SET", 0);
        writer().append(header, image);
        try {
            writer().sync();
        } catch (QueueFullException e) {
            LOG.atWarn().log("A table set is on record as soon as the disk has room: {}", e.getMessage());
        }
        placed.at(at.seq());
    }

    /** Learns where a record went. */
    @FunctionalInterface
    interface PlacedRecord {
        void at(long seq) throws IOException;
    }

    private void abandonLarge() throws IOException {
        if (large != null) {
            LargeRecord unfinished = large;
            large = null;
            unfinished.close();
        }
    }

    private QueueWriter writer() {
        return queue.writer();
    }

    private void checkOwner(Object by) throws SupersededException {
        if (owner != by) {
            throw new SupersededException();
        }
    }

    /** The connection is no longer the one that may append. */
    static final class SupersededException extends IOException {
        SupersededException() {
            super("another capture connection took over");
        }
    }
}
