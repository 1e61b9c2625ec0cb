package dev.replicator.slave.state;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Lsn;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;

/** Reads the slave's whole state; it is small. */
public final class StateReader {
    private static final String LANES =
            """
            SELECT 'main', epoch, epoch_id, seq, position::text, generation, false, commit_time
            FROM replicator.progress WHERE origin = 0
            UNION ALL
            SELECT lane, epoch, epoch_id, seq, position::text, generation, parked, commit_time
            FROM replicator.lane
            """;
    private static final String TABLES =
            """
            SELECT table_name, table_id, incarnation, state, lane, since, boundary::text, reason, hint,
                   conflict_seq, skip_seq, need, wanted_dump
            FROM replicator.table_state
            """;
    private static final String RESTORES =
            """
            SELECT table_name, restore_group, phase, dump_id, mode, relation_schema, relation_name, incarnation, lane,
                   since, boundary::text, error
            FROM replicator.restore
            """;

    private StateReader() {}

    /** Reads under one snapshot when the caller's transaction is REPEATABLE READ; else statement by statement. */
    public static SlaveState read(Connection connection) throws SQLException {
        Map<String, LanePosition> lanes = new HashMap<>();
        for (LanePosition lane : Sql.query(connection, StateReader::lane, LANES)) {
            lanes.put(lane.lane(), lane);
        }
        Map<TableName, TableState> tables = new HashMap<>();
        for (TableState table : Sql.query(connection, StateReader::table, TABLES)) {
            tables.put(table.table(), table);
        }
        Map<TableName, Restore> restores = new HashMap<>();
        for (Restore restore : Sql.query(connection, StateReader::restore, RESTORES)) {
            restores.put(restore.table(), restore);
        }
        boolean paused = Sql.query(connection, row -> row.getBoolean(1), "SELECT paused FROM replicator.installation")
                .get(0);
        return new SlaveState(lanes, tables, restores, paused);
    }

    private static LanePosition lane(ResultSet row) throws SQLException {
        Epoch epoch = new Epoch(row.getInt(2), row.getObject(3, UUID.class));
        Position position = new Position(epoch, row.getLong(4), Lsn.parse(row.getString(5)));
        long commitMicros = micros(row.getObject(8, OffsetDateTime.class));
        return new LanePosition(row.getString(1), position, commitMicros, row.getLong(6), row.getBoolean(7));
    }

    private static long micros(OffsetDateTime time) {
        return time == null ? 0 : ChronoUnit.MICROS.between(Instant.EPOCH, time.toInstant());
    }

    private static TableState table(ResultSet row) throws SQLException {
        return new TableState(
                TableName.parse(row.getString(1)),
                (int) row.getLong(2),
                row.getInt(3),
                Stage.of(row.getString(4)),
                row.getString(5),
                row.getLong(6),
                BoundaryJson.read(row.getString(7)),
                row.getString(8),
                row.getString(9),
                row.getLong(10),
                row.getLong(11),
                DumpNeed.of(row.getString(12)),
                row.getString(13));
    }

    private static Restore restore(ResultSet row) throws SQLException {
        String mode = row.getString(5);
        String relation = row.getString(7);
        return new Restore(
                TableName.parse(row.getString(1)),
                row.getString(2),
                RestorePhase.of(row.getString(3)),
                row.getString(4),
                mode == null ? null : RestoreMode.of(mode),
                relation == null ? null : new TableName(row.getString(6), relation),
                row.getInt(8),
                row.getString(9),
                row.getLong(10),
                BoundaryJson.read(row.getString(11)),
                row.getString(12));
    }
}
