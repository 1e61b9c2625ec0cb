package dev.replicator.capture;

import dev.replicator.capture.postgres.TransactionIds;
import dev.replicator.capture.postgres.TransactionSink;
import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.BodyEncoder;
import dev.replicator.queue.format.ChangeEncoder;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.store.LargeRecord;
import dev.replicator.queue.store.QueueFullException;
import dev.replicator.queue.store.QueueWriter;
import dev.replicator.runtime.Steps;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Turns the stream into records of the spool. A transaction gets a seq only if a change is in it (rule R06); what the
 * server sends again is compared and dropped (rule R05); a large one goes to disk while it is read. One writer lives as
 * long as one replication session. Used by the reader.
 */
final class TransactionWriter implements TransactionSink, AutoCloseable {
    private static final String MESSAGE_PREFIX = "replicator";
    private static final int INITIAL_IMAGE_BYTES = 64 << 10;

    private final Spool spool;
    private final QueueWriter queue;
    private final TransactionIds ids;
    private final StatusBoard board;
    private final Resent resent;
    private final Stall stall;
    private final CatalogLook catalog;
    private final Epoch epoch;
    private final BodyEncoder body = new BodyEncoder(this::block);
    private final Map<Integer, TableSchema> inForce;
    private final Set<TableSchema> announced = Collections.newSetFromMap(new IdentityHashMap<>());
    private final List<ByteBuffer> blocks = new ArrayList<>();
    private final List<LogMessage> messages = new ArrayList<>();
    private final Map<Integer, Long> truncations = new ConcurrentHashMap<>();

    private ByteBuffer image = ByteBuffer.allocate(INITIAL_IMAGE_BYTES);
    private LargeRecord large;
    private long blockBytes;
    private long largeBytes;
    private boolean otherColumns;
    private boolean comesAgain;
    private boolean caughtUp;
    private long commitLsn;
    private long commitMicros;
    private long transactionId;
    private long lastLsn;

    /** Who compares the catalogue with what is recorded. */
    interface CatalogLook {
        /** The stream describes a table; a look is due soon. */
        void due();

        /** Waits until catalogue and records were compared; what came of it goes to the writer. */
        void await(TransactionWriter writer) throws IOException;
    }

    TransactionWriter(
            Spool spool, TransactionIds ids, StatusBoard board, Resent resent, Stall stall, CatalogLook catalog) {
        this.spool = spool;
        this.queue = spool.queue().writer();
        this.ids = ids;
        this.board = board;
        this.resent = resent;
        this.stall = stall;
        this.catalog = catalog;
        this.epoch = spool.queue().epoch();
        this.inForce = new HashMap<>(spool.queue().schemasAt(queue.lastSeq()));
        this.lastLsn = spool.queue().durableLsn();
    }

    @Override
    public void begin(long commitRecordLsn, long micros, int id) throws IOException {
        commitLsn = commitRecordLsn;
        commitMicros = micros;
        transactionId = ids.extend(id);
        comesAgain = !caughtUp && resent.covers(commitRecordLsn);
    }

    @Override
    public void relation(TableSchema schema) throws IOException {
        spool.tables().observeName(schema.tableId(), schema.name());
        TableSchema before = inForce.get(schema.tableId());
        otherColumns |= before != null && before.fingerprint() != schema.fingerprint();
        catalog.due();
    }

    @Override
    public ChangeEncoder beginChange(TableSchema schema, ChangeKind kind) throws IOException {
        if (!comesAgain && !announced.contains(schema)) {
            inOrder();
            if (otherColumns) {
                // An ALTER has passed. If it rewrote rows, the new incarnation begins before the first change behind
                // it.
                otherColumns = false;
                catalog.await(this);
            }
            announce(schema.withIncarnation(spool.tables().incarnation(schema.tableId()))
                    .withCatalog(spool.tables().catalog(schema.tableId())));
            announced.add(schema);
        }
        if (kind == ChangeKind.TRUNCATE) {
            truncations.put(schema.tableId(), transactionId);
        }
        return body.beginChange(schema, kind);
    }

    @Override
    public void endChange() throws IOException {
        body.endChange();
    }

    @Override
    public void message(boolean transactional, String prefix, String content) {
        if (transactional && prefix.equals(MESSAGE_PREFIX) && !comesAgain) {
            LogMessage.parse(content).ifPresent(messages::add);
        }
    }

    @Override
    public void commit(long endLsn) throws IOException {
        body.finish();
        if (comesAgain) {
            if (body.changeCount() > 0) {
                resent.compare(transactionId, endLsn, commitMicros);
            }
        } else {
            inOrder();
            if (body.changeCount() > 0) {
                writeTransaction(endLsn);
            }
            writeMarkers(endLsn);
        }
        body.reset();
        blocks.clear();
        messages.clear();
        blockBytes = 0;
    }

    /** Writes a SCHEMA record unless just this definition and incarnation are in force. Not inside a transaction's body. */
    void announce(TableSchema schema) throws IOException {
        TableSchema current = inForce.get(schema.tableId());
        boolean same = current != null
                && current.fingerprint() == schema.fingerprint()
                && current.incarnation() == schema.incarnation()
                && current.catalog().equals(schema.catalog());
        if (!same) {
            Position at = new Position(epoch, queue.lastSeq(), lastLsn);
            append(ControlRecords.schema(at, schema, false));
            inForce.put(schema.tableId(), schema);
            // The stream may still speak of the definition before: its next change announces that one again.
            announced.removeIf(other -> other.tableId() == schema.tableId());
        }
    }

    /** The source's position moved to here and nothing for us came by. Only between transactions. */
    void heartbeat(long lsn, long nowMicros) throws IOException {
        inOrder();
        lastLsn = lsn;
        append(ControlRecords.heartbeat(new Position(epoch, queue.lastSeq(), lsn), nowMicros));
        board.idleAt(lsn);
    }

    /** Commit time of the newest transaction that came. */
    long commitMicros() {
        return commitMicros;
    }

    /** LSN of the newest record written. */
    long lastLsn() {
        return lastLsn;
    }

    /** Full id of the transaction that last truncated a table in this session's stream; 0: none. Any thread may ask. */
    long truncatedBy(int tableId) {
        return truncations.getOrDefault(tableId, 0L);
    }

    /** Bytes of a large transaction on its way to disk, which the spool does not count yet. */
    long unfinishedBytes() {
        return largeBytes;
    }

    @Override
    public void close() throws IOException {
        if (large != null) {
            large.close();
            large = null;
        }
    }

    /** The first thing above the tail has come. */
    private void inOrder() throws IOException {
        if (!caughtUp) {
            resent.end();
            caughtUp = true;
        }
    }

    private void block(ByteBuffer block) throws IOException {
        if (comesAgain) {
            return;
        }
        if (large == null) {
            blocks.add(block);
            blockBytes += block.remaining();
            if (blockBytes > spool.largeTransactionBytes()) {
                beginLarge();
            }
        } else {
            appendLarge(block);
        }
    }

    private void beginLarge() throws IOException {
        large = queue.beginLarge();
        Steps.reached("capture.large-transaction-begun");
        for (ByteBuffer block : blocks) {
            appendLarge(block);
        }
        blocks.clear();
    }

    private void appendLarge(ByteBuffer block) throws IOException {
        int length = block.remaining();
        retryWhileFull(() -> large.appendBody(block.duplicate()));
        largeBytes += length;
    }

    private void writeTransaction(long endLsn) throws IOException {
        Position position = new Position(epoch, queue.lastSeq() + 1, endLsn);
        RecordHeader header = new RecordHeader(
                RecordKind.TRANSACTION,
                0,
                0,
                position,
                transactionId,
                commitMicros,
                body.changeCount(),
                "",
                body.shares());
        // Before the record: a dump must find it here as soon as the tail shows it (rule R02).
        spool.commitLog().append(new CommitEntry(position.seq(), transactionId, endLsn, commitMicros));
        if (large == null) {
            ByteBuffer whole = imageOf(header);
            retryWhileFull(() -> queue.append(header, whole.duplicate()));
        } else {
            retryWhileFull(() -> large.commit(header));
            large.close();
            large = null;
            largeBytes = 0;
        }
        lastLsn = endLsn;
        board.captured(endLsn, commitMicros, header.changeCount(), header.totalLength());
    }

    private ByteBuffer imageOf(RecordHeader header) {
        int length = Math.toIntExact(header.totalLength());
        if (image.capacity() < length) {
            image = ByteBuffer.allocate(Math.max(length, image.capacity() * 2));
        }
        image.clear();
        header.encode(image);
        for (ByteBuffer block : blocks) {
            image.put(block);
        }
        return image.flip();
    }

    private void writeMarkers(long endLsn) throws IOException {
        for (LogMessage message : messages) {
            Steps.reached("capture.marker-received");
            lastLsn = endLsn;
            Position at = new Position(epoch, queue.lastSeq(), endLsn);
            append(ControlRecords.marker(at, message.tableIds(), message.text()));
        }
    }

    /** Whether what the spool holds is still being compared with what comes again. */
    boolean isComparing() {
        return resent.isPending();
    }

    /** Makes all that was written durable. */
    void sync() throws IOException {
        retryWhileFull(queue::sync);
    }

    private void append(ByteBuffer record) throws IOException {
        RecordHeader header = RecordHeader.decode(record.duplicate(), "own record", 0);
        retryWhileFull(() -> queue.append(header, record.duplicate()));
    }

    private interface Storing {
        void run() throws IOException;
    }

    private void retryWhileFull(Storing storing) throws IOException {
        while (true) {
            try {
                storing.run();
                return;
            } catch (QueueFullException e) {
                stall.await(e.getMessage());
            }
        }
    }
}
