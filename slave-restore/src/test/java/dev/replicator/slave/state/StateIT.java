package dev.replicator.slave.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.embedded.Await;
import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.queue.Boundary;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.runtime.ReplicatorException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;

/** The slave's durable state on a real server (rules R10, R11). */
final class StateIT {
    private static final Epoch EPOCH = Epoch.begin(3);
    private static final TableName TABLE = new TableName("public", "t");
    private static EmbeddedPostgres server;
    private final LaneRows lanes = new LaneRows("shop");
    private Connection connection;

    @BeforeAll
    static void startServer() throws Exception {
        server = EmbeddedPostgres.start();
    }

    @AfterAll
    static void stopServer() throws Exception {
        server.close();
    }

    @BeforeEach
    void createSchema() throws SQLException {
        server.execute("postgres", "DROP SCHEMA IF EXISTS replicator CASCADE");
        connection = server.connect("postgres");
        StateSchema.ensure(connection, "shop", "reporting");
    }

    @AfterEach
    void closeConnection() throws SQLException {
        connection.close();
    }

    private static Position at(long seq) {
        return new Position(EPOCH, seq, seq * 100);
    }

    private LanePosition main() throws SQLException {
        return Transactions.run(connection, StateReader::read).main().orElseThrow();
    }

    @Test
    void shouldCreateTheSchemaOnceAndRefuseAnotherSlave() throws SQLException {
        StateSchema.ensure(connection, "shop", "reporting");
        ReplicatorException refused =
                assertThrows(ReplicatorException.class, () -> StateSchema.ensure(connection, "shop", "other"));
        assertTrue(refused.getMessage().contains("reporting"), refused.getMessage());
        connection.rollback();
        server.execute("postgres", "UPDATE replicator.installation SET version = 99");
        assertThrows(ReplicatorException.class, () -> StateSchema.ensure(connection, "shop", "reporting"));
        connection.rollback();
    }

    @Test
    void r10ShouldMoveALaneOnlyFromWhereItStands() throws SQLException {
        Transactions.run(connection, session -> {
            lanes.createMain(session, at(5));
            return null;
        });
        LanePosition before = main();
        Transactions.run(connection, session -> lanes.advance(session, before, at(7), 1_700_000_000_000_000L));
        assertEquals(at(7), main().position());

        // Another daemon woke up with what it knew before.
        assertThrows(
                LaneMovedException.class,
                () -> Transactions.run(connection, session -> lanes.advance(session, before, at(6), 0)));
        // One that knows the place, but not that its tables changed.
        LanePosition now = main();
        Transactions.run(connection, session -> {
            lanes.bump(session, LanePosition.MAIN);
            return null;
        });
        assertThrows(
                LaneMovedException.class,
                () -> Transactions.run(connection, session -> lanes.advance(session, now, at(8), 0)));
        // The same number in another history.
        LanePosition forked = new LanePosition("main", new Position(EPOCH, 7, 701), main().generation(), false);
        assertThrows(
                LaneMovedException.class,
                () -> Transactions.run(connection, session -> lanes.advance(session, forked, at(8), 0)));
        assertEquals(at(7), main().position());
    }

    @Test
    void r10ShouldNotRunAParkedLaneNorEndOneThatMoved() throws SQLException {
        LanePosition lane = Transactions.run(connection, session -> {
            lanes.create(session, "restore-1", at(5), false);
            return StateReader.read(session).lane("restore-1").orElseThrow();
        });
        Transactions.run(connection, session -> lanes.advance(session, lane, at(6), 0));
        assertThrows(
                LaneMovedException.class,
                () -> Transactions.run(connection, session -> {
                    lanes.end(session, lane);
                    return null;
                }));
        Transactions.run(connection, session -> {
            lanes.park(session, "restore-1");
            return null;
        });
        LanePosition parked = Transactions.run(connection, StateReader::read)
                .lane("restore-1")
                .orElseThrow();
        assertTrue(parked.parked());
        assertThrows(
                LaneMovedException.class,
                () -> Transactions.run(connection, session -> lanes.advance(session, parked, at(7), 0)));
    }

    @Test
    void shouldReadBackWhatARestoreWrote() throws SQLException {
        Boundary boundary = new Boundary(12, 4_294_967_296L, 4_294_967_300L, List.of(4_294_967_298L), "g-1");
        CopyLayout layout = new CopyLayout(List.of("id", "Ünïcode \"x\""), List.of("id"), "{}");
        Restore restore = Transactions.run(connection, session -> {
            TableRows.add(session, TABLE, -5);
            RestoreRows.begin(session, TABLE, "restore-1");
            RestoreRows.choose(session, TABLE, "d-1");
            Restore chosen = StateReader.read(session).restore(TABLE).orElseThrow();
            RestoreRows.prepare(
                    session, chosen, RestoreMode.SHADOW, new TableName("replicator", "copy"), 2, boundary, layout);
            return StateReader.read(session).restore(TABLE).orElseThrow();
        });
        assertEquals(boundary, restore.boundary());
        assertEquals(12, restore.since());
        assertEquals(RestorePhase.LOADING, restore.phase());
        SlaveState state = Transactions.run(connection, session -> {
            assertEquals(layout, RestoreRows.layout(session, TABLE));
            assertTrue(RestoreRows.claimChunk(session, restore, 1, 10));
            assertFalse(RestoreRows.claimChunk(session, restore, 1, 10));
            RestoreRows.settle(session, TABLE);
            return StateReader.read(session);
        });
        assertNull(state.restore(TABLE).orElseThrow().boundary());
        assertEquals(-5, state.tables().get(TABLE).tableId());
        assertEquals(DumpNeed.ANY, state.tables().get(TABLE).need());
    }

    /** Under the role of our sessions a foreign key does not delete; the same dump would count as loaded when it comes again. */
    @Test
    void r11ShouldForgetWhatARestoreLoadedWhenItEnds() throws SQLException {
        Sql.execute(connection, "SET session_replication_role = replica");
        Restore restore = Transactions.run(connection, session -> {
            TableRows.add(session, TABLE, 5);
            assertTrue(RestoreRows.begin(session, TABLE, "restore-1"));
            RestoreRows.choose(session, TABLE, "d-1");
            return StateReader.read(session).restore(TABLE).orElseThrow();
        });
        boolean claimed = Transactions.run(connection, session -> RestoreRows.claimChunk(session, restore, 1, 10));
        assertTrue(claimed);
        SlaveState after = Transactions.run(connection, session -> {
            TableRows.remove(session, TABLE);
            assertFalse(RestoreRows.begin(session, TABLE, "restore-2"), "the table is not there any more");
            assertTrue(RestoreRows.chunksLoaded(session, restore).isEmpty());
            return StateReader.read(session);
        });
        assertTrue(after.restores().isEmpty());
    }

    /** Line 7 of the rule: between the look at the state and the lock, the table's lane joins the main lane. */
    @Test
    void r11ShouldNotTakeATableOutOfALaneThatJoinedMeanwhile() throws Exception {
        LanePosition resumed = Transactions.run(connection, session -> {
            TableRows.add(session, TABLE, 5);
            lanes.create(session, "parked-1", at(5), false);
            TableRows.enter(session, TABLE, "parked-1", 5, Stage.CATCHING_UP);
            return StateReader.read(session).lane("parked-1").orElseThrow();
        });
        try (Connection copying = server.connect("postgres")) {
            copying.setAutoCommit(false);
            assertEquals(
                    "parked-1", StateReader.read(copying).tables().get(TABLE).lane());
            FutureTask<Void> leaving = new FutureTask<>(() -> {
                lanes.leave(copying, "parked-1");
                return null;
            });
            Transactions.run(connection, session -> {
                lanes.end(session, resumed);
                TableRows.enter(session, TABLE, LanePosition.MAIN, 5, Stage.IN_SYNC);
                new Thread(leaving, "copying").start();
                awaitLockWaiter(pidOf(copying));
                return null;
            });
            ExecutionException refused = assertThrows(ExecutionException.class, leaving::get);
            assertInstanceOf(LaneMovedException.class, refused.getCause());
            copying.rollback();
        }
        SlaveState state = Transactions.run(connection, StateReader::read);
        assertEquals(LanePosition.MAIN, state.tables().get(TABLE).lane());
        assertTrue(state.lane("parked-1").isEmpty());
    }

    private static int pidOf(Connection session) throws SQLException {
        return session.unwrap(PGConnection.class).getBackendPID();
    }

    private static void awaitLockWaiter(int pid) {
        Await.until("the other session waits for the lane", Duration.ofSeconds(60), () -> {
            try (Connection looking = server.connect("postgres")) {
                return Sql.query(looking, row -> row.getBoolean(1), "SELECT cardinality(pg_blocking_pids(?)) > 0", pid)
                        .get(0);
            }
        });
    }

    @Test
    void shouldBookACommandOnceR23() throws SQLException {
        boolean first = Transactions.run(connection, session -> Journal.begin(session, "c-1", "pause"));
        boolean second = Transactions.run(connection, session -> Journal.begin(session, "c-1", "pause"));
        assertTrue(first);
        assertFalse(second);
        assertEquals(
                "c-1",
                Transactions.run(connection, Journal::recentCommands).get(0).id());
    }
}
