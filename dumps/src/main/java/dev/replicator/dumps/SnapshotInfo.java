package dev.replicator.dumps;

import dev.replicator.queue.Boundary;
import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * The snapshot a dump was read under. Transaction ids have 64 bits (rule R13).
 *
 * @param xmin every id below is visible
 * @param xmax every id at or above is not
 * @param inProgress ids between them that are not visible, ascending
 * @param lsn the server's WAL insert position right after the snapshot was taken; for people, never compared
 * @param takenAt the server's clock when the snapshot was taken
 * @param serverVersion for example {@code 18.4}
 */
public record SnapshotInfo(
        long xmin, long xmax, List<Long> inProgress, long lsn, Instant takenAt, String serverVersion) {

    public SnapshotInfo {
        Objects.requireNonNull(takenAt, "takenAt");
        Objects.requireNonNull(serverVersion, "serverVersion");
        inProgress = List.copyOf(inProgress);
    }

    /** Where a dump under this snapshot meets the stream. */
    public Boundary boundary(long baseSeq, String markerId) {
        return new Boundary(baseSeq, xmin, xmax, inProgress, markerId);
    }
}
