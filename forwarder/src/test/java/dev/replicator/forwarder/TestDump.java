package dev.replicator.forwarder;

import dev.replicator.dumps.ChunkEntry;
import dev.replicator.dumps.ChunkWriter;
import dev.replicator.dumps.DumpManifest;
import dev.replicator.dumps.DumpStore;
import dev.replicator.dumps.SnapshotInfo;
import dev.replicator.dumps.StoredDump;
import dev.replicator.dumps.TableDefinition;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.wire.DumpOrder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/** A dump staged at capture, made with the real store. */
record TestDump(StoredDump dump, String draft) {

    /** A dump of the order's first table with {@code chunks} chunks of one row each; its baseSeq is 1. */
    static TestDump of(Path directory, DumpOrder order, Epoch epoch, TableSchema schema, int chunks)
            throws IOException {
        return of(directory, order, epoch, schema, chunks, 1);
    }

    static TestDump of(Path directory, DumpOrder order, Epoch epoch, TableSchema schema, int chunks, long baseSeq)
            throws IOException {
        SnapshotInfo snapshot = new SnapshotInfo(800, 800, List.of(), 0, Instant.now(), "18.4");
        TableDefinition definition =
                new TableDefinition(schema.name(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of());
        DumpManifest draft = DumpManifest.draft(
                new DumpManifest.Identity(order.getTables(0).getDumpId(), order.getGroup(), "shop", epoch),
                schema,
                definition,
                snapshot.boundary(baseSeq, order.getGroup()),
                snapshot);
        try (DumpStore store = DumpStore.open(directory)) {
            StoredDump dump = store.create(draft);
            for (int number = 1; number <= chunks; number++) {
                write(dump, number);
            }
            dump.complete();
            return new TestDump(dump, draft.toJson());
        }
    }

    private static void write(StoredDump dump, int number) throws IOException {
        try (ChunkWriter chunk = dump.begin("rows " + number)) {
            chunk.writeRow((number + "\trow of chunk " + number + "\n").getBytes(StandardCharsets.UTF_8));
            chunk.finish();
        }
    }

    String id() {
        return dump.id();
    }

    DumpManifest manifest() {
        return dump.manifest();
    }

    ChunkEntry chunk(int number) {
        return dump.chunks().get(number - 1);
    }

    byte[] stored(int number) throws IOException {
        try (InputStream in = dump.openStored(number)) {
            return in.readAllBytes();
        }
    }

    /** File bytes of all chunks. */
    long bytes() {
        return dump.storedBytes();
    }
}
