package dev.replicator.slave.lane;

import dev.replicator.queue.TableName;
import dev.replicator.slave.postgres.BatchConflictException;
import dev.replicator.slave.postgres.TableException;
import java.sql.SQLException;
import java.util.Collection;

/** Writes a lane's changes within the lane's open transaction: fast, or carefully one by one. */
interface ChangeWriter extends AutoCloseable {
    /** A target transaction begins. */
    void begin() throws SQLException;

    /** These relations, and perhaps others, are written next. */
    default void expect(Collection<TableName> relations) throws SQLException, TableException {}

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
