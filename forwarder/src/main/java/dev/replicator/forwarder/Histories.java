package dev.replicator.forwarder;

import com.google.protobuf.ByteString;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.store.ForkedHistoryException;
import dev.replicator.queue.store.QueueReader;
import dev.replicator.queue.store.RecoveryReport;
import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.queue.wire.CaptureHello;
import dev.replicator.queue.wire.CaptureWelcome;
import dev.replicator.queue.wire.CommitLogEntry;
import dev.replicator.queue.wire.WirePositions;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides how the history of a capture that connects fits ours (rules R06 and R07): the same, a new epoch, one we lost
 * part of, or a forked one.
 */
final class Histories {
    private static final Logger LOG = LoggerFactory.getLogger(Histories.class);

    /** Enough to reach back to the slot's confirmed position; fits one message by far. */
    private static final long COMMIT_LOG_ENTRIES = 50_000;

    private final ReplicationQueue queue;
    private final QueueAppender appender;
    private final TableSets tableSets;
    private final Slaves slaves;
    private final DumpCatalog dumps;
    private final TornTail cuts;

    Histories(ReplicationQueue queue, QueueAppender appender, TableSets tableSets, Slaves slaves, DumpCatalog dumps) {
        this.queue = queue;
        this.appender = appender;
        this.tableSets = tableSets;
        this.slaves = slaves;
        this.dumps = dumps;
        this.cuts = new TornTail(queue.values());
    }

    /** What opening the queue had to cut: a torn end, unless capture had been told that it was durable. */
    void noteCut(RecoveryReport recovery) throws IOException {
        if (recovery.cut().isPresent()) {
            cuts.note(recovery.cut().get());
        }
    }

    /**
     * Brings our queue to where capture can go on, or refuses.
     *
     * @param owner the connection, which must own the appender
     * @param hello with a history
     * @throws ForkedHistoryException when the histories differ; nothing was changed
     */
    CaptureWelcome welcome(Object owner, CaptureHello hello) throws IOException {
        Position tail = Positions.fromWire(hello.getTail());
        Position base = hello.hasBase() ? Positions.fromWire(hello.getBase()) : tail;
        follow(owner, base, tail);
        // Behind the last but one transaction that both have: what both end with is compared (rule R06).
        return welcome(Math.min(tail.seq(), queue.durableTail().seq()) - 1);
    }

    /**
     * For a capture without a history: all it needs to go on with ours. What has arrived is made durable before, since what came
     * to the disk behind the tail that is told would be met by other control records of the same places, and win.
     */
    CaptureWelcome whatThereIs() throws IOException {
        appender.sync();
        return welcome(0);
    }

    /** @param knownSeq up to where capture need not be told of transactions */
    private CaptureWelcome welcome(long knownSeq) throws IOException {
        CaptureWelcome.Builder welcome = CaptureWelcome.newBuilder();
        if (queue.hasHistory()) {
            welcome.setTail(WirePositions.toWire(queue.durableTail())).setDurableLsn(queue.durableLsn());
            addHistory(welcome, knownSeq);
        }
        return welcome.build();
    }

    private void follow(Object owner, Position base, Position tail) throws IOException {
        if (!queue.hasHistory()) {
            begin(owner, base);
            return;
        }
        Position ours = queue.durableTail();
        boolean spoolBeginsEarlier = tail.epoch().equals(queue.epoch()) && base.seq() <= ours.seq();
        if (!base.epoch().equals(queue.epoch()) && !spoolBeginsEarlier) {
            newEpoch(owner, base);
        } else if (base.seq() > ours.seq()) {
            cuts.requireNone(base);
            LOG.atWarn()
                    .addKeyValue("ours", ours)
                    .addKeyValue("capture", base)
                    .log("This queue ends before capture's first record: it begins anew there");
            appender.resetTo(owner, base);
            dumps.retireAll("the queue began anew at " + base);
            tableSets.reset(base.seq());
            recordTableSets();
        } else {
            checkCommon(base, tail, ours);
            cuts.forget();
        }
    }

    /** Both know part of one history: where they overlap they must agree. */
    private void checkCommon(Position base, Position tail, Position ours) throws IOException {
        appender.checkRepeated(base);
        if (!tail.epoch().equals(queue.epoch())) {
            return;
        }
        if (tail.seq() <= ours.seq()) {
            appender.checkRepeated(tail);
        }
    }

    /** The first history of an empty queue. */
    private void begin(Object owner, Position base) throws IOException {
        LOG.atInfo().addKeyValue("base", base).log("The queue's history begins");
        appender.startHistory(owner, base);
        recordTableSets();
    }

    /**
     * A history that is not a continuation of ours: old records stay, old dumps go.
     *
     * @throws ForkedHistoryException when it cannot come after ours
     */
    void newEpoch(Object owner, Position base) throws IOException {
        Position ours = queue.durableTail();
        if (base.epoch().number() <= queue.epoch().number() || base.seq() < ours.seq()) {
            throw new ForkedHistoryException("capture is in epoch " + base.epoch() + " that begins at seq " + base.seq()
                    + ", this forwarder is in epoch " + queue.epoch() + " at seq " + ours.seq()
                    + ": not a continuation; run 'replicator capture --config FILE --new-epoch' once capture and"
                    + " forwarder are connected");
        }
        LOG.atWarn()
                .addKeyValue("from", ours)
                .addKeyValue("base", base)
                .log("A new epoch begins: every dump is retired");
        appender.startHistory(owner, base);
        cuts.forget();
        dumps.retireAll("epoch " + base.epoch().number() + " began");
        recordTableSets();
    }

    /** Puts every slave's table set on record where it is not yet. */
    void recordTableSets() throws IOException {
        for (SlaveFile file : slaves.files().values()) {
            if (tableSets.record(file.slave(), file.tables())) {
                LOG.atInfo()
                        .addKeyValue("slave", file.slave())
                        .addKeyValue("tables", file.tables())
                        .log("Table set on record");
            }
        }
    }

    private void addHistory(CaptureWelcome.Builder welcome, long knownSeq) throws IOException {
        Position tail = queue.durableTail();
        Position base = queue.epochStart();
        long after = Math.max(Math.max(base.seq(), knownSeq), tail.seq() - COMMIT_LOG_ENTRIES);
        if (after > base.seq()) {
            base = queue.positionOf(after).orElseThrow();
        }
        welcome.setBase(WirePositions.toWire(base));
        try (QueueReader reader = queue.readAfter(base)) {
            for (RecordHeader header = reader.next(); header != null && header.seq() <= tail.seq(); ) {
                if (header.isTransaction()) {
                    welcome.addCommitLog(CommitLogEntry.newBuilder()
                            .setSeq(header.seq())
                            .setTransactionId(header.transactionId())
                            .setLsn(header.lsn())
                            .setCommitMicros(header.commitMicros()));
                }
                header = reader.next();
            }
        }
        for (TableSchema schema : latestSchemas(tail.seq()).values()) {
            welcome.addSchemaRecords(ByteString.copyFrom(ControlRecords.schema(tail, schema, true)));
        }
    }

    /**
     * Of each table what was told last, by the stream or by a dump. A dump may be ahead of the stream, and a capture that lost
     * its disk in between would give the incarnation's number to another life of the table.
     */
    private Map<Integer, TableSchema> latestSchemas(long seq) {
        Map<Integer, TableSchema> latest = new TreeMap<>(queue.schemasAt(seq));
        for (TableSchema dumped : dumps.schemas()) {
            latest.merge(
                    dumped.tableId(),
                    dumped,
                    (known, other) -> known.incarnation() >= other.incarnation() ? known : other);
        }
        return latest;
    }
}
