package dev.replicator.slave.lane;

import dev.replicator.queue.TableName;
import dev.replicator.slave.postgres.BatchConflictException;
import dev.replicator.slave.postgres.TableException;
import dev.replicator.slave.state.Following;
import java.sql.SQLException;
import java.util.Collection;

/** Writes a lane's changes within the lane's open transaction: fast, or carefully one by one. */
interface ChangeWriter extends AutoCloseable {
    /**
     * What travels with the first statement of a target transaction, which comes before {@link #begin}.
     *
     * @param relations that are written in it; more may come up
     */
    default Following opening(Collection<TableName> relations) throws SQLException {
        return Following.NOTHING;
    }

    /** A target transaction begins. */
    void begin() throws SQLException;

    /** How a batch can be prepared on another thread while this writer is at work; null when it cannot. */
    default Preparation preparation() {
        return null;
    }

    /** What can be done for a batch before its transaction. */
    @FunctionalInterface
    interface Preparation {
        /** On any thread; null when only the transaction can do it. */
        PreparedBatch of(Batch batch);
    }

    /**
     * Writes a batch, or a piece of one, that was prepared.
     *
     * @return false when it does not fit any more: write it run by run
     * @throws BatchConflictException as {@link #write} does
     */
    default boolean adopt(PreparedBatch prepared) throws SQLException, TableException, BatchConflictException {
        return false;
    }

    /**
     * Writes a run.
     *
     * @throws BatchConflictException rows did not fit on the fast path: roll back, go careful
     * @throws ParkException a table cannot go on: roll back, park it
     */
    void write(ChangeRun run) throws SQLException, TableException, BatchConflictException, ParkException;

    /** Everything is written: commit may follow. */
    void finish() throws SQLException, TableException, BatchConflictException, ParkException;

    /** The transaction was committed. */
    void committed();

    /** The transaction was rolled back. */
    void rolledBack() throws SQLException;

    @Override
    void close() throws SQLException;
}
