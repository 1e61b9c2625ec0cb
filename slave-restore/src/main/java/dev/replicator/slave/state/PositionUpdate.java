package dev.replicator.slave.state;

import dev.replicator.queue.Lsn;
import dev.replicator.queue.Position;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

/**
 * The compare-and-set of one lane's position (rule R10), kept prepared: it is the first statement of every batch. What a batch
 * asks next can travel with it.
 */
public final class PositionUpdate implements AutoCloseable {
    /** So many different followings are kept prepared; each is of another set of tables. */
    private static final int KEPT = 64;

    private static final String SET = " SET epoch = ?, epoch_id = ?, seq = ?, position = ?::pg_lsn,"
            + " commit_time = coalesce(?::timestamptz, CASE WHEN seq = ? THEN commit_time END)";
    private static final String EXPECTED = " AND epoch_id = ? AND seq = ? AND position = ?::pg_lsn AND generation = ?"
            + " RETURNING pg_current_wal_insert_lsn()::text, pg_current_wal_flush_lsn()::text";

    private final String key;
    private final String update;
    private final PreparedStatements prepared;

    PositionUpdate(Connection connection, String cluster, LanePosition lane) {
        prepared = new PreparedStatements(connection, KEPT);
        key = lane.isMain() ? cluster : lane.lane();
        update = lane.isMain()
                ? "UPDATE replicator.progress" + SET + " WHERE cluster = ? AND origin = 0" + EXPECTED
                : "UPDATE replicator.lane" + SET + " WHERE lane = ? AND NOT parked" + EXPECTED;
    }

    /** {@link #run(LanePosition, Position, long, Following)} alone. */
    public WalPositions run(LanePosition from, Position to, long commitMicros) throws SQLException {
        return run(from, to, commitMicros, Following.NOTHING);
    }

    /**
     * Moves the lane.
     *
     * @param from where the lane stands as its owner knows it
     * @param to where it stands after this transaction; may be the same place
     * @param commitMicros commit time of transaction {@code to.seq()}, 0 when unknown
     * @param following what the server does next, even if the lane is not moved: it is rolled back then
     * @return the target's WAL insert and flush positions at this moment
     * @throws LaneMovedException when the row does not say {@code from}: roll back and read the position again
     */
    public WalPositions run(LanePosition from, Position to, long commitMicros, Following following)
            throws SQLException {
        List<String> texts = new ArrayList<>(List.of(update));
        texts.addAll(following.texts());
        PreparedStatement statement = prepared.of(String.join("; ", texts));
        bind(statement, from, to, commitMicros);
        statement.execute();
        WalPositions log = moved(statement, from);
        if (texts.size() > 1) {
            statement.getMoreResults();
            following.answered(statement);
        }
        return log;
    }

    private void bind(PreparedStatement statement, LanePosition from, Position to, long commitMicros)
            throws SQLException {
        statement.setInt(1, to.epoch().number());
        statement.setObject(2, to.epoch().id());
        statement.setLong(3, to.seq());
        statement.setString(4, Lsn.format(to.lsn()));
        statement.setObject(5, timestamp(commitMicros), Types.TIMESTAMP_WITH_TIMEZONE);
        statement.setLong(6, to.seq());
        statement.setString(7, key);
        statement.setObject(8, from.position().epoch().id());
        statement.setLong(9, from.position().seq());
        statement.setString(10, Lsn.format(from.position().lsn()));
        statement.setLong(11, from.generation());
    }

    private static WalPositions moved(PreparedStatement statement, LanePosition from) throws SQLException {
        try (ResultSet row = statement.getResultSet()) {
            if (!row.next()) {
                throw new LaneMovedException(from);
            }
            return new WalPositions(Lsn.parse(row.getString(1)), Lsn.parse(row.getString(2)));
        }
    }

    @Override
    public void close() throws SQLException {
        prepared.close();
    }

    private static OffsetDateTime timestamp(long micros) {
        return micros == 0
                ? null
                : Instant.EPOCH.plus(micros, ChronoUnit.MICROS).atOffset(ZoneOffset.UTC);
    }
}
