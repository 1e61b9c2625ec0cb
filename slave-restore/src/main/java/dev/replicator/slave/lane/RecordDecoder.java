package dev.replicator.slave.lane;

import dev.replicator.queue.TableSchema;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.ChangeDecoder;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.CorruptRecordException;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.format.TableSchemas;
import dev.replicator.runtime.Steps;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Turns verified records into what a lane has to do, dropping what is not its business. Lives on the lane's decoder
 * thread, ahead of the database by at most one intake.
 */
final class RecordDecoder implements RecordHandler {
    /** Decoded rows take about this many times their Avro form in memory. */
    private static final int MEMORY_FACTOR = 4;

    /** What a transaction costs beside its rows. */
    private static final int TRANSACTION_BYTES = 300;

    private final Intake intake;
    private final long pieceBytes;
    private final LaneFilter filter;

    private final Map<SchemaKey, Decoding> schemas = new HashMap<>();
    private RecordHeader current;
    private List<ChangeRun> runs = new ArrayList<>();
    private long bytes;
    private boolean firstPiece;
    private boolean stopped;

    private record SchemaKey(int tableId, long fingerprint) {}

    private record Decoding(TableSchema schema, ChangeDecoder decoder) {}

    RecordDecoder(LaneFilter filter, Intake intake, long pieceBytes) {
        this.filter = filter;
        this.intake = intake;
        this.pieceBytes = pieceBytes;
    }

    /** The table set from here on. */
    void select(TableSelection now) {
        filter.select(now);
    }

    /** True after an item that changes the lane's tables: whatever follows must be read again with the new ones. */
    boolean isStopped() {
        return stopped;
    }

    @Override
    public void header(RecordHeader header) {
        current = header;
        if (header.isTransaction()) {
            intake.knowThrough(header.seq() - 1);
            runs = new ArrayList<>();
            bytes = TRANSACTION_BYTES;
            firstPiece = true;
        }
    }

    @Override
    public void block(BlockHeader header, ByteBuffer block) throws IOException {
        if (stopped) {
            return;
        }
        if (current.kind() == RecordKind.TRANSACTION) {
            changes(header, block);
        } else if (current.kind() == RecordKind.SCHEMA) {
            schema(TableSchemas.fromJson(ControlRecords.jsonOf(block)));
        } else if (current.kind() == RecordKind.DUMP_MARKER) {
            marker(ControlRecords.markerText(ControlRecords.jsonOf(block)));
        }
    }

    @Override
    public void end(RecordHeader header) throws IOException {
        if (header.isTransaction() && !stopped) {
            flush(true);
        }
    }

    private void changes(BlockHeader header, ByteBuffer block) throws IOException {
        List<Replica> targets = filter.targets(header.tableId(), current.seq(), current.transactionId());
        if (targets.isEmpty()) {
            return;
        }
        Decoding decoding = decoding(header);
        BlockChanges changes = new BlockChanges(header, block, decoding.decoder());
        for (Replica replica : targets) {
            runs.add(new ChangeRun(replica, decoding.schema(), current.seq(), changes));
            bytes += (long) header.rawLength() * MEMORY_FACTOR;
        }
        if (bytes >= pieceBytes) {
            flush(false);
        }
    }

    private Decoding decoding(BlockHeader header) throws CorruptRecordException {
        Decoding decoding = schemas.get(new SchemaKey(header.tableId(), header.fingerprint()));
        if (decoding == null) {
            throw new CorruptRecordException(
                    "lane stream",
                    current.seq(),
                    "a block of table " + header.tableId() + " came before its schema "
                            + Long.toHexString(header.fingerprint()));
        }
        return decoding;
    }

    private void schema(TableSchema schema) throws IOException {
        schemas.put(
                new SchemaKey(schema.tableId(), schema.fingerprint()),
                new Decoding(schema, ChangeDecoder.ofSlices(schema)));
        if (filter.changesTables(schema, current.seq())) {
            put(new LaneItem.NewSchema(current.seq(), schema));
            stopped = true;
        }
    }

    private void marker(String text) throws IOException {
        List<Replica> settled = filter.settle(text);
        if (!settled.isEmpty()) {
            Steps.reached("lane.marker-decoded");
            put(new LaneItem.Settled(current.seq(), settled));
        }
    }

    private void flush(boolean last) throws IOException {
        put(new LaneItem.Piece(current.position(), current.commitMicros(), runs, bytes, firstPiece, last));
        firstPiece = false;
        runs = new ArrayList<>();
        bytes = 0;
    }

    private void put(LaneItem item) throws IOException {
        try {
            intake.put(item);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            InterruptedIOException interrupted = new InterruptedIOException("lane ends");
            interrupted.initCause(e);
            throw interrupted;
        }
    }
}
