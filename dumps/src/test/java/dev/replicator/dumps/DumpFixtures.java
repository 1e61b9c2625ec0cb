package dev.replicator.dumps;

import dev.replicator.dumps.TableDefinition.Column;
import dev.replicator.dumps.TableDefinition.Constraint;
import dev.replicator.dumps.TableDefinition.ConstraintKind;
import dev.replicator.dumps.TableDefinition.ExtensionRef;
import dev.replicator.dumps.TableDefinition.GeneratedKind;
import dev.replicator.dumps.TableDefinition.IdentityKind;
import dev.replicator.dumps.TableDefinition.Index;
import dev.replicator.dumps.TableDefinition.TypeDefinition;
import dev.replicator.dumps.TableDefinition.TypeKind;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.ValueEncoding;
import dev.replicator.queue.format.TableSchemas;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

/** A small dump for tests of files. */
final class DumpFixtures {
    private DumpFixtures() {}

    static DumpManifest draft(String id) {
        TableName name = new TableName("sales \"x\"", "orders.2026");
        TableSchema schema = TableSchemas.create(
                16384,
                name,
                3,
                'd',
                List.of(
                        new ColumnSchema("id", "int8", 20, -1, true, ValueEncoding.LONG),
                        new ColumnSchema("note", "text", 25, -1, false, ValueEncoding.TEXT)));
        SnapshotInfo snapshot = new SnapshotInfo(
                8589934592L,
                8589934600L,
                List.of(8589934593L, 8589934597L),
                0x16B3748,
                Instant.parse("2026-11-20T10:00:00Z"),
                "18.4");
        return DumpManifest.draft(
                new DumpManifest.Identity(id, "g-7", "shop", new Epoch(2, new UUID(5, 6))),
                schema,
                definition(name),
                snapshot.boundary(120, "dump g-7 16384"),
                snapshot);
    }

    static TableDefinition definition(TableName name) {
        return new TableDefinition(
                name,
                List.of(new ExtensionRef("hstore", "public")),
                List.of(new TypeDefinition(
                        TypeKind.ENUM,
                        new TableName("sales", "mood"),
                        "CREATE TYPE sales.mood AS ENUM ('a', 'b')",
                        List.of("a", "b"))),
                List.of(
                        new Column(
                                "id", "bigint", null, true, null, null, IdentityKind.ALWAYS, GeneratedKind.NONE, null),
                        new Column(
                                "note",
                                "text",
                                "pg_catalog.\"C\"",
                                false,
                                "'x'::text",
                                null,
                                IdentityKind.NONE,
                                GeneratedKind.NONE,
                                null),
                        new Column(
                                "twice",
                                "bigint",
                                null,
                                false,
                                null,
                                null,
                                IdentityKind.NONE,
                                GeneratedKind.STORED,
                                "(id * 2)")),
                List.of(new Constraint(ConstraintKind.PRIMARY_KEY, "orders_pkey", "PRIMARY KEY (id)")),
                List.of(new Index("orders_note", false, "USING btree (note)")),
                List.of("foreign key"));
    }

    static ChunkEntry writeChunk(StoredDump dump, String... rows) throws IOException {
        try (ChunkWriter chunk = dump.begin("rows " + rows.length)) {
            for (String row : rows) {
                chunk.writeRow((row + "\n").getBytes(StandardCharsets.UTF_8));
            }
            return chunk.finish();
        }
    }

    static String text(StoredDump dump, int chunk) throws IOException {
        try (var in = dump.openText(chunk)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
