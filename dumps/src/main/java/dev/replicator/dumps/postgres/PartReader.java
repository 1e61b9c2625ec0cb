package dev.replicator.dumps.postgres;

import dev.replicator.dumps.ChunkSink;
import dev.replicator.dumps.ChunkWriter;
import dev.replicator.queue.TableName;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Queue;
import java.util.stream.Collectors;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

/** One of the parallel readers: takes part after part and turns it into chunks. */
final class PartReader {
    private final Connection connection;
    private final Context context;

    /** What all readers of a table share. */
    record Context(TableName table, List<String> columns, ChunkSink sink, ReadProgress progress, long chunkBytes) {}

    PartReader(Connection connection, Context context) {
        this.connection = connection;
        this.context = context;
    }

    void readAll(Queue<TablePart> parts) throws SQLException, IOException {
        for (TablePart part = parts.poll(); part != null; part = parts.poll()) {
            read(part);
        }
    }

    private void read(TablePart part) throws SQLException, IOException {
        String columns = context.columns().stream().map(TableName::quote).collect(Collectors.joining(", "));
        CopyOut copy = connection
                .unwrap(PGConnection.class)
                .getCopyAPI()
                .copyOut("COPY (SELECT " + columns + " FROM ONLY "
                        + part.relation().quoted() + part.condition() + ") TO STDOUT (FORMAT text, ENCODING 'UTF8')");
        for (byte[] row = copy.readFromCopy(); row != null; ) {
            row = writeChunk(copy, part, row);
        }
    }

    /** Fills one chunk; returns the row behind it, or null at the end of the part. */
    private byte[] writeChunk(CopyOut copy, TablePart part, byte[] firstRow) throws SQLException, IOException {
        try (ChunkWriter chunk = context.sink().begin(part.toString())) {
            byte[] row = firstRow;
            while (row != null && chunk.rawBytes() < context.chunkBytes()) {
                chunk.writeRow(row);
                row = copy.readFromCopy();
            }
            long rows = chunk.rows();
            long bytes = chunk.rawBytes();
            chunk.finish();
            context.progress().read(rows, bytes);
            return row;
        }
    }
}
