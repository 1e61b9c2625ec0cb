package dev.replicator.capture;

import dev.replicator.capture.postgres.Catalog;
import dev.replicator.capture.postgres.Slot;
import dev.replicator.capture.postgres.SlotState;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;

/**
 * Whether a slot of the configured name is ours. All databases of a server share one name space of slots (PostgreSQL manual,
 * 47.2.2), so a second capture beside the first may find the other's: neither its position nor its life is ours to judge.
 */
final class SlotOwnership {
    /** What to do about a slot that is not ours. */
    static final String REMEDY = "Give this capture a slot of its own: source.slot in its configuration.";

    private SlotOwnership() {}

    /**
     * Checks a slot before it is read, judged or dropped.
     *
     * @return how it stands; empty when it does not exist, which is fine
     * @throws ReplicatorException CONFIGURATION when it is somebody else's
     */
    static Optional<SlotState> check(Connection sql, Slot slot) throws SQLException {
        Optional<SlotState> state = Catalog.slot(sql, slot.name());
        String defect = state.map(SlotState::defect).orElse("");
        if (!defect.isEmpty()) {
            throw new ReplicatorException(
                    ErrorCode.CONFIGURATION, "replication slot " + slot.name() + " " + defect, REMEDY);
        }
        return state;
    }
}
