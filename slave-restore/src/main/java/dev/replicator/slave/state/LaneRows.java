package dev.replicator.slave.state;

import dev.replicator.queue.Lsn;
import dev.replicator.queue.Position;
import java.sql.Connection;
import java.sql.SQLException;

/**
 * Positions in the target: compared and set, never just written (rule R10). Whoever changes the set of tables of a lane
 * locks the lane's row by {@link #bump} first, the main lane before side lanes; a lane that does not know yet fails its
 * next compare-and-set and reads its tables again.
 */
public final class LaneRows {
    private final String cluster;

    public LaneRows(String cluster) {
        this.cluster = cluster;
    }

    /**
     * First statement of every apply transaction.
     *
     * @param from where the lane stands as its owner knows it
     * @param to where it stands after this transaction; may be the same place
     * @param commitMicros commit time of transaction {@code to.seq()}, 0 when unknown
     * @return the target's WAL insert and flush positions at this moment
     * @throws LaneMovedException when the row does not say {@code from}: roll back and read the position again
     */
    public WalPositions advance(Connection connection, LanePosition from, Position to, long commitMicros)
            throws SQLException {
        try (PositionUpdate update = advancing(connection, from)) {
            return update.run(from, to, commitMicros);
        }
    }

    /** The same for one lane, to be run many times. */
    public PositionUpdate advancing(Connection connection, LanePosition lane) throws SQLException {
        return new PositionUpdate(connection, cluster, lane);
    }

    /**
     * Locks the lane's row and makes its owner read its tables again.
     *
     * @return false when there is no such lane, and nothing was done
     */
    public boolean bump(Connection connection, String lane) throws SQLException {
        int rows = LanePosition.MAIN.equals(lane)
                ? Sql.update(
                        connection,
                        "UPDATE replicator.progress SET generation = generation + 1 WHERE cluster = ? AND origin = 0",
                        cluster)
                : Sql.update(connection, "UPDATE replicator.lane SET generation = generation + 1 WHERE lane = ?", lane);
        return rows == 1;
    }

    /**
     * Takes a table out of the lane that was read to have it: the lane must still be there to be locked, or its tables are
     * in another one by now.
     *
     * @throws LaneMovedException when the lane has ended meanwhile
     */
    public void leave(Connection connection, String lane) throws SQLException {
        if (!bump(connection, lane)) {
            throw new LaneMovedException(lane);
        }
    }

    /** Another history begins: the newest commit time was one of the old. */
    public void forgetCommitTime(Connection connection) throws SQLException {
        Sql.update(connection, "UPDATE replicator.progress SET commit_time = NULL WHERE cluster = ?", cluster);
    }

    /** The first position of a slave. A second daemon that was faster makes it fail by the primary key. */
    public void createMain(Connection connection, Position position) throws SQLException {
        Sql.update(
                connection,
                "INSERT INTO replicator.progress (cluster, epoch, epoch_id, seq, position)"
                        + " VALUES (?, ?, ?, ?, ?::pg_lsn)",
                cluster,
                position.epoch().number(),
                position.epoch().id(),
                position.seq(),
                Lsn.format(position.lsn()));
    }

    /** Adds a side lane. */
    public void create(Connection connection, String lane, Position position, boolean parked) throws SQLException {
        Sql.update(
                connection,
                "INSERT INTO replicator.lane (lane, epoch, epoch_id, seq, position, parked)"
                        + " VALUES (?, ?, ?, ?, ?::pg_lsn, ?)",
                lane,
                position.epoch().number(),
                position.epoch().id(),
                position.seq(),
                Lsn.format(position.lsn()),
                parked);
    }

    /**
     * Ends a side lane that stands exactly at a position.
     *
     * @throws LaneMovedException when it stands elsewhere or its tables changed
     */
    public void end(Connection connection, LanePosition lane) throws SQLException {
        int rows = Sql.update(
                connection,
                "DELETE FROM replicator.lane WHERE lane = ? AND epoch_id = ? AND seq = ? AND position = ?::pg_lsn"
                        + " AND generation = ?",
                lane.lane(),
                lane.position().epoch().id(),
                lane.position().seq(),
                Lsn.format(lane.position().lsn()),
                lane.generation());
        if (rows != 1) {
            throw new LaneMovedException(lane);
        }
    }

    /** Stops a side lane until an operator decides. */
    public void park(Connection connection, String lane) throws SQLException {
        Sql.update(
                connection,
                "UPDATE replicator.lane SET parked = true, generation = generation + 1 WHERE lane = ?",
                lane);
    }

    /** Lets a parked lane run. */
    public void unpark(Connection connection, String lane) throws SQLException {
        Sql.update(
                connection,
                "UPDATE replicator.lane SET parked = false, generation = generation + 1 WHERE lane = ?",
                lane);
    }

    /** Removes side lanes that no table and no restore belongs to any more. */
    public static void dropEmpty(Connection connection) throws SQLException {
        Sql.execute(
                connection,
                "DELETE FROM replicator.lane l WHERE NOT EXISTS (SELECT FROM replicator.table_state t WHERE t.lane = l.lane)"
                        + " AND NOT EXISTS (SELECT FROM replicator.restore r WHERE r.lane = l.lane)");
    }

    /** A name that no lane had before. */
    public static String newName(Connection connection, String prefix) throws SQLException {
        return prefix
                + Sql.query(connection, row -> row.getLong(1), "SELECT nextval('replicator.lane_number')")
                        .get(0);
    }
}
