package dev.replicator.capture;

import com.google.protobuf.ByteString;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordStreamParser;
import dev.replicator.queue.format.TableSchemas;
import dev.replicator.queue.store.QueueWriter;
import dev.replicator.queue.wire.CaptureWelcome;
import dev.replicator.queue.wire.CommitLogEntry;
import dev.replicator.queue.wire.WirePositions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Takes over position, commit log and schemas that the forwarder has kept (rule R07). Used by the reader. */
final class HistoryAdoption {
    private final Spool spool;

    HistoryAdoption(Spool spool) {
        this.spool = spool;
    }

    /**
     * Replaces whatever the spool held.
     *
     * @param tail the forwarder's tail
     * @param knownLsn how far the forwarder knows the source, heartbeats included
     */
    void adopt(Position tail, long knownLsn, CaptureWelcome welcome) throws IOException {
        List<CommitLogEntry> entries = welcome.getCommitLogList();
        spool.forgetCommitLog();
        if (spool.queue().hasHistory()) {
            spool.queue().resetTo(tail);
        } else {
            spool.queue().startHistory(tail);
        }
        adoptCommitLog(tail, WirePositions.fromWire(welcome.getBase()), entries);
        List<TableSchema> schemas = schemas(welcome);
        QueueWriter writer = spool.queue().writer();
        for (TableSchema schema : schemas) {
            append(writer, ControlRecords.schema(tail, schema, true));
        }
        if (Long.compareUnsigned(knownLsn, tail.lsn()) > 0) {
            append(writer, ControlRecords.heartbeat(new Position(tail.epoch(), tail.seq(), knownLsn), 0));
        }
        writer.sync();
        // The log begins somewhere: of what was committed before, nobody here can tell what the master shows by now. A
        // table that joins again is dumped only after whoever wrote to it has ended (rules R01, R02).
        spool.tables().unpublishAll();
        spool.tables().adopt(schemas);
    }

    private void adoptCommitLog(Position tail, Position base, List<CommitLogEntry> entries) throws IOException {
        spool.createCommitLog(base);
        for (CommitLogEntry entry : entries) {
            spool.commitLog()
                    .append(new CommitEntry(
                            entry.getSeq(), entry.getTransactionId(), entry.getLsn(), entry.getCommitMicros()));
        }
        spool.commitLog().sync();
        if (spool.commitLog().lastSeq() != tail.seq()) {
            throw new IOException("the forwarder's commit log ends at seq "
                    + spool.commitLog().lastSeq() + ", its queue at " + tail);
        }
    }

    /** Schemas in force at the forwarder's tail. */
    static List<TableSchema> schemas(CaptureWelcome welcome) throws IOException {
        List<TableSchema> schemas = new ArrayList<>();
        RecordStreamParser parser = new RecordStreamParser("the forwarder's schemas", new RecordHandler() {
            @Override
            public void header(RecordHeader header) {
                // The block has all that is needed.
            }

            @Override
            public void block(BlockHeader header, ByteBuffer block) throws IOException {
                schemas.add(TableSchemas.fromJson(ControlRecords.jsonOf(block)));
            }

            @Override
            public void end(RecordHeader header) {
                // Nothing is kept open.
            }
        });
        for (ByteString record : welcome.getSchemaRecordsList()) {
            parser.feed(ByteBuffer.wrap(record.toByteArray()));
        }
        return schemas;
    }

    private static void append(QueueWriter writer, ByteBuffer record) throws IOException {
        writer.append(RecordHeader.decode(record.duplicate(), "own record", 0), record);
    }
}
