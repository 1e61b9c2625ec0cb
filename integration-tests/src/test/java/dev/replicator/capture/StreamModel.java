package dev.replicator.capture;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.ChangeEncoder;
import dev.replicator.simulation.Master;
import dev.replicator.simulation.MasterTable;
import dev.replicator.simulation.ModelTables;
import dev.replicator.simulation.WalEntry;
import java.io.IOException;

/** What the server sends of a commit: what was published when it was written. */
final class StreamModel {
    private StreamModel() {}

    /** Columns never change in the model, so the stream gives no reason to look at the catalogue. */
    static final class Look implements TransactionWriter.CatalogLook {
        @Override
        public void due() {
            // The watcher comes by.
        }

        @Override
        public void await(TransactionWriter writer) {
            // Nothing came of it.
        }
    }

    static void send(WalEntry entry, Master master, TransactionWriter writer) throws IOException {
        writer.begin(entry.beginLsn(), entry.micros(), (int) entry.xid());
        for (WalEntry.Change change : entry.changes()) {
            if (change.published()) {
                send(change, master.table(change.table()), writer);
            }
        }
        if (entry.message() != null) {
            writer.message(true, "replicator", entry.message());
        }
        writer.commit(entry.endLsn());
    }

    private static void send(WalEntry.Change change, MasterTable table, TransactionWriter writer) throws IOException {
        TableSchema schema = ModelTables.schema(table);
        writer.relation(schema);
        ChangeEncoder encoder = writer.beginChange(schema, change.kind());
        RowChange row = ModelTables.rowChange(table, change);
        ModelTables.encodeImages(encoder, row, change.kind() == ChangeKind.TRUNCATE);
        writer.endChange();
    }
}
