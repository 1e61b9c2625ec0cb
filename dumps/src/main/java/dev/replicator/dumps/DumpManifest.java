package dev.replicator.dumps;

import dev.replicator.queue.Boundary;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * All that is to be known of one dump of one table; the content of {@code manifest.json}. A draft (state running) has no
 * chunks: they are in the ledger until the final manifest replaces the draft.
 *
 * @param format version of this layout, {@link #FORMAT}
 * @param id names the dump, for example {@code d-000017}
 * @param group names the snapshot that dumps of several tables share; text of the marker that settles it
 * @param cluster the master
 * @param epoch history that {@code boundary} speaks of
 * @param schema the table as the stream described it when the dump was taken, with its incarnation
 * @param columns columns of the COPY text, in order; generated columns are not among them
 * @param state see {@link DumpState}
 * @param boundary where it meets the stream
 * @param snapshot what it was read under
 * @param createdAt when the draft was written
 * @param definition what is needed to create the table elsewhere
 * @param rows rows of all chunks; 0 in a draft
 * @param rawBytes COPY text of all chunks; 0 in a draft
 * @param storedBytes files of all chunks; 0 in a draft
 * @param chunks every chunk by number; empty in a draft
 * @param error why it failed, or null
 * @param retry whether a new dump may succeed where this one failed
 */
public record DumpManifest(
        int format,
        String id,
        String group,
        String cluster,
        Epoch epoch,
        TableSchema schema,
        List<String> columns,
        DumpState state,
        Boundary boundary,
        SnapshotInfo snapshot,
        Instant createdAt,
        TableDefinition definition,
        long rows,
        long rawBytes,
        long storedBytes,
        List<ChunkEntry> chunks,
        String error,
        boolean retry) {
    /** The layout this version writes. */
    public static final int FORMAT = 1;

    public DumpManifest {
        DumpIds.check(id);
        Objects.requireNonNull(group, "group");
        Objects.requireNonNull(cluster, "cluster");
        Objects.requireNonNull(epoch, "epoch");
        Objects.requireNonNull(schema, "schema");
        Objects.requireNonNull(state, "state");
        Objects.requireNonNull(boundary, "boundary");
        Objects.requireNonNull(snapshot, "snapshot");
        Objects.requireNonNull(createdAt, "createdAt");
        Objects.requireNonNull(definition, "definition");
        columns = List.copyOf(columns);
        chunks = chunks == null ? List.of() : List.copyOf(chunks);
        if (format != FORMAT) {
            throw new IllegalArgumentException("manifest of dump " + id + " has format " + format
                    + ", this version reads format " + FORMAT + ": upgrade Replicator here");
        }
    }

    /** Which dump, for {@link #draft}. */
    public record Identity(String id, String group, String cluster, Epoch epoch) {}

    /** The manifest of a dump that is about to be read; its columns are those of the definition. */
    public static DumpManifest draft(
            Identity identity,
            TableSchema schema,
            TableDefinition definition,
            Boundary boundary,
            SnapshotInfo snapshot) {
        return new DumpManifest(
                FORMAT,
                identity.id(),
                identity.group(),
                identity.cluster(),
                identity.epoch(),
                schema,
                definition.copyColumns(),
                DumpState.RUNNING,
                boundary,
                snapshot,
                Instant.now(),
                definition,
                0,
                0,
                0,
                List.of(),
                null,
                false);
    }

    /** The table's name when the dump was taken. */
    public TableName table() {
        return schema.name();
    }

    public int tableId() {
        return schema.tableId();
    }

    public int incarnation() {
        return schema.incarnation();
    }

    /** The final manifest: sums and chunks from the ledger. */
    public DumpManifest completed(List<ChunkEntry> ledger) {
        return with(DumpState.COMPLETE, ledger, null, false);
    }

    /** The manifest of a dump that has failed and holds no chunks. */
    public DumpManifest failed(String reason, boolean mayRetry) {
        return with(DumpState.FAILED, List.of(), Objects.requireNonNull(reason, "reason"), mayRetry);
    }

    private DumpManifest with(DumpState newState, List<ChunkEntry> ledger, String newError, boolean mayRetry) {
        return new DumpManifest(
                format,
                id,
                group,
                cluster,
                epoch,
                schema,
                columns,
                newState,
                boundary,
                snapshot,
                createdAt,
                definition,
                ledger.stream().mapToLong(ChunkEntry::rows).sum(),
                ledger.stream().mapToLong(ChunkEntry::rawBytes).sum(),
                ledger.stream().mapToLong(ChunkEntry::storedBytes).sum(),
                ledger,
                newError,
                mayRetry);
    }

    public String toJson() {
        return DumpJson.writePretty(this);
    }

    /**
     * Reads {@link #toJson}.
     *
     * @throws IllegalArgumentException when the text is not a manifest of a format this version knows
     */
    public static DumpManifest fromJson(String json) {
        return DumpJson.read(json, DumpManifest.class);
    }
}
