package dev.replicator.queue.format;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Builds a transaction's body block by block and keeps the table set. Memory does not grow with the transaction: a
 * block is handed to the sink when the table changes or the block is full.
 *
 * <p>One encoder serves many transactions: {@link #reset()} in between.
 */
public final class BodyEncoder {
    /** A block is closed at this payload size; a single larger row still stands in one block. */
    public static final int BLOCK_BYTES = 256 << 10;

    private final BlockSink sink;
    private final ChangeEncoder encoder = new ChangeEncoder();
    private final Map<Integer, long[]> shares = new LinkedHashMap<>();

    private TableSchema current;
    private int blockChanges;
    private long changeCount;
    private long bodyLength;

    public BodyEncoder(BlockSink sink) {
        this.sink = sink;
    }

    /**
     * Starts a change; the caller fills both images into the returned encoder and then calls {@link #endChange()}.
     */
    public ChangeEncoder beginChange(TableSchema schema, ChangeKind kind) throws IOException {
        if (current == null || current.tableId() != schema.tableId() || current.fingerprint() != schema.fingerprint()) {
            closeBlock();
            current = schema;
        }
        encoder.begin(kind);
        return encoder;
    }

    public void endChange() throws IOException {
        blockChanges++;
        changeCount++;
        if (encoder.length() >= BLOCK_BYTES) {
            closeBlock();
        }
    }

    /** Writes a whole change from memory. */
    public void write(TableSchema schema, RowChange change) throws IOException {
        beginChange(schema, change.kind());
        encoder.reset(encoder.length() - 1);
        encoder.write(schema, change);
        endChange();
    }

    /** Hands the last block over. Call once after the last change. */
    public void finish() throws IOException {
        closeBlock();
        current = null;
    }

    /** Changes so far. */
    public long changeCount() {
        return changeCount;
    }

    /** Bytes handed to the sink and bytes waiting in the open block: what the body takes in memory or on disk. */
    public long length() {
        return bodyLength + encoder.length();
    }

    /** The table set; complete after {@link #finish()}. */
    public List<TableShare> shares() {
        List<TableShare> list = new ArrayList<>(shares.size());
        shares.forEach((table, sums) -> list.add(new TableShare(table, sums[0], sums[1])));
        return list;
    }

    /** Forgets everything, for the next transaction. */
    public void reset() {
        encoder.reset();
        shares.clear();
        current = null;
        blockChanges = 0;
        changeCount = 0;
        bodyLength = 0;
    }

    private void closeBlock() throws IOException {
        if (blockChanges == 0) {
            return;
        }
        ByteBuffer block =
                Blocks.seal(current.tableId(), current.fingerprint(), blockChanges, encoder.array(), encoder.length());
        long[] sums = shares.computeIfAbsent(current.tableId(), table -> new long[2]);
        sums[0] += blockChanges;
        sums[1] += block.remaining();
        bodyLength += block.remaining();
        blockChanges = 0;
        encoder.reset();
        sink.accept(block);
    }
}
