package dev.replicator.slave.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.Unchanged;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Careful mode under each conflict policy. */
class RowApplierIT {
    private static final Unchanged U = Unchanged.UNCHANGED;
    private ApplyFixture fixture;
    private TableSchema schema;

    @BeforeEach
    void createTable() throws Exception {
        fixture = ApplyFixture.replica();
        fixture.ddl("CREATE TABLE %s.t (id int PRIMARY KEY, email text UNIQUE, v text CHECK (v <> 'bad'))");
        schema = fixture.track("t", 'd');
        fixture.sql("INSERT INTO s.t VALUES (1, 'one', 'local'), (2, 'two', 'local')");
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    @Test
    void shouldStopAtConflictWithKeyAndImage() throws Exception {
        List<Conflict> conflicts = replay(ConflictPolicy.STOP, insert(1, "x", "m"));
        assertEquals(1, conflicts.size());
        Conflict conflict = conflicts.get(0);
        assertEquals(Conflict.Kind.UNIQUE, conflict.kind());
        assertEquals("id=1", conflict.key());
        assertEquals("{\"op\":\"insert\",\"after\":{\"id\":\"1\",\"email\":\"x\",\"v\":\"m\"}}", conflict.rowImage());
        assertTrue(!conflict.detail().contains("(1)"), "no row values in the detail: " + conflict.detail());
    }

    @Test
    void shouldReportMissingRow() throws Exception {
        assertEquals(
                Conflict.Kind.MISSING_ROW,
                replay(ConflictPolicy.STOP, update(9, "x", "m")).get(0).kind());
        fixture.session.rollback();
        assertEquals(
                Conflict.Kind.MISSING_ROW,
                replay(ConflictPolicy.STOP_SLAVE, delete(9)).get(0).kind());
    }

    @Test
    void shouldSkipOnlyWhatDoesNotFit() throws Exception {
        List<Conflict> conflicts = replay(
                ConflictPolicy.SKIP,
                insert(3, "three", "m"),
                insert(1, "x", "m"),
                update(2, U, "m"),
                update(9, "x", "m"),
                delete(9),
                update(1, U, "bad"));
        fixture.session.commit();
        assertEquals(
                List.of(
                        Conflict.Kind.UNIQUE,
                        Conflict.Kind.MISSING_ROW,
                        Conflict.Kind.MISSING_ROW,
                        Conflict.Kind.CONSTRAINT),
                conflicts.stream().map(Conflict::kind).toList());
        assertEquals("(1,one,local) (2,two,m) (3,three,m)", rows());
    }

    @Test
    void shouldOverwriteWithTheMastersRow() throws Exception {
        assertEquals(
                List.of(
                        Conflict.Kind.UNIQUE,
                        Conflict.Kind.MISSING_ROW,
                        Conflict.Kind.MISSING_ROW,
                        Conflict.Kind.MISSING_ROW),
                overwritten(
                        insert(1, "uno", "m"),
                        update(9, "nine", "m"),
                        delete(10),
                        new RowChange(ChangeKind.UPDATE, new Object[] {11, U, U}, new Object[] {2, "dos", "m"})));
        fixture.session.commit();
        assertEquals("(1,uno,m) (2,dos,m) (9,nine,m)", rows());
    }

    @Test
    void shouldNotOverwriteAnotherRowWithTheSameUniqueValue() throws Exception {
        assertEquals(
                Conflict.Kind.UNIQUE,
                replay(ConflictPolicy.OVERWRITE, insert(3, "one", "m")).get(0).kind());
        fixture.session.rollback();
        assertEquals(
                Conflict.Kind.UNIQUE,
                replay(ConflictPolicy.OVERWRITE, insert(2, "one", "m")).get(0).kind());
        fixture.session.rollback();
        assertEquals("(1,one,local) (2,two,local)", rows());
    }

    @Test
    void r04ShouldParkRatherThanInsertUnknownValues() {
        TableException parked =
                assertThrows(TableException.class, () -> replay(ConflictPolicy.OVERWRITE, update(9, U, "m")));
        assertEquals(
                "The row of an UPDATE of s.t is missing on the slave, and the master did not send all of its values,"
                        + " so it cannot be inserted",
                parked.getMessage());
        assertEquals("Run resync for the table.", parked.hint());
    }

    @Test
    void shouldR23TellWeatherFromConflicts() throws Exception {
        try (Connection locker = fixture.newSession()) {
            locker.setAutoCommit(false);
            locker.createStatement().execute("LOCK TABLE s.t");
            fixture.session.createStatement().execute("SET LOCAL lock_timeout = '50ms'");
            java.sql.SQLException weather =
                    assertThrows(java.sql.SQLException.class, () -> replay(ConflictPolicy.SKIP, update(1, U, "m")));
            assertEquals(SqlFailures.Kind.WEATHER, SqlFailures.classify(weather));
            fixture.session.rollback();
        }
    }

    private List<Conflict> replay(ConflictPolicy policy, RowChange... changes) throws Exception {
        List<CapturedMaster.Captured> captured = new ArrayList<>();
        for (RowChange change : changes) {
            captured.add(new CapturedMaster.Captured(schema, change));
        }
        return fixture.careful(captured, policy);
    }

    private List<Conflict.Kind> overwritten(RowChange... changes) throws Exception {
        return replay(ConflictPolicy.OVERWRITE, changes).stream()
                .map(Conflict::kind)
                .toList();
    }

    private String rows() throws Exception {
        return fixture.value("SELECT string_agg(t::text, ' ' ORDER BY id) FROM s.t");
    }

    private static RowChange insert(Object... row) {
        return new RowChange(ChangeKind.INSERT, null, row);
    }

    private static RowChange update(Object... row) {
        return new RowChange(ChangeKind.UPDATE, null, row);
    }

    private static RowChange delete(int id) {
        return new RowChange(ChangeKind.DELETE, new Object[] {id, U, U}, null);
    }
}
