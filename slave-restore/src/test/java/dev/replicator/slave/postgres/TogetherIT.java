package dev.replicator.slave.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.replicator.queue.TableName;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Batches of the same few statements, which go to the server in one message: from the second one on. */
final class TogetherIT {
    private static final int ROUNDS = 4;

    private ApplyFixture fixture;
    private BatchApplier applier;

    @BeforeEach
    void begin() throws Exception {
        fixture = ApplyFixture.replica();
        fixture.session.setAutoCommit(false);
        fixture.ddl("CREATE TABLE %s.kept (id int PRIMARY KEY, v text);"
                + "CREATE TABLE %s.moved (id int PRIMARY KEY, v text); CREATE TABLE %s.history (v text)");
        for (String table : List.of("kept", "moved")) {
            fixture.track(table, 'd');
            fixture.sql("INSERT INTO m." + table + " SELECT n, '' FROM generate_series(1, 100) n");
        }
        fixture.track("history", 'f');
        fixture.apply();
        applier = new BatchApplier(fixture.session, ApplyOptions.defaults(), fixture.memory);
        for (int round = 1; round <= ROUNDS; round++) {
            write(round);
            apply();
            fixture.assertSame();
        }
    }

    @AfterEach
    void end() throws Exception {
        applier.close();
        fixture.close();
    }

    @Test
    void shouldCountWhatEachStatementWrote() {
        ApplyStats stats = applier.stats();
        assertEquals(2 * ROUNDS, stats.inserted());
        assertEquals(ROUNDS, stats.updated());
        assertEquals(ROUNDS, stats.deleted());
    }

    @Test
    void r18ShouldNameTheTableThatLacksARow() throws Exception {
        fixture.sql("DELETE FROM s.kept WHERE id = 9");
        write(9);
        assertEquals(Set.of(new TableName("s", "kept")), conflict().tables());
    }

    @Test
    void r18ShouldNameTheTableThatHasARowAlready() throws Exception {
        fixture.sql("INSERT INTO s.moved VALUES (1009, 'mine')");
        write(9);
        assertEquals(Set.of(new TableName("s", "moved")), conflict().tables());
    }

    private BatchConflictException conflict() throws Exception {
        BatchConflictException conflict = assertThrows(BatchConflictException.class, this::apply);
        fixture.session.rollback();
        applier.reset();
        return conflict;
    }

    private void write(int row) throws Exception {
        fixture.sql("UPDATE m.kept SET v = 'new' WHERE id = " + row + "; DELETE FROM m.moved WHERE id = " + row
                + "; INSERT INTO m.moved VALUES (1000 + " + row + ", 'new'); INSERT INTO m.history VALUES ('" + row
                + "')");
    }

    private void apply() throws Exception {
        PreparedRows rows = fixture.prepared(fixture.master.drain());
        assertNotNull(rows);
        applier.adopt(rows);
        applier.finish();
        fixture.session.commit();
    }
}
