package dev.replicator.slave.postgres;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.slave.netting.FallbackMemory;

/**
 * Changes of a batch, or of a piece of one, netted and brought into the form in which the server takes them, before it is their
 * turn and without a database. Only for the usual: whatever is special is refused, and the batch is written in the usual way.
 *
 * <p>Made by one thread, then given to {@link BatchApplier#adopt}.
 */
public final class PreparedRows {
    private final Piece piece;

    /** @param replicaRole whether the session that will write it is one of {@link TargetSession#isReplica} */
    public PreparedRows(ApplyOptions options, boolean replicaRole) {
        this.piece = new Piece(new FallbackMemory(), options, replicaRole);
    }

    /**
     * Adds the next change.
     *
     * @return false when it cannot be prepared: throw all of this away
     */
    public boolean add(TableBinding binding, RowChange change) {
        try {
            return change.kind() != ChangeKind.TRUNCATE && !piece.isFull() && piece.add(binding, change);
        } catch (BatchConflictException e) {
            return false; // found again within the transaction, where it is told
        }
    }

    /** Everything was added. */
    public void encode() {
        piece.encode();
    }

    Piece piece() {
        return piece;
    }
}
