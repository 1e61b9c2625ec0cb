package dev.replicator.slave.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Random statements on the master, batches of random size on the slave: the tables must be equal after each batch. */
class RandomWorkloadIT {
    private static final String TABLES =
            """
            CREATE TABLE %s.plain (id int PRIMARY KEY, a text, b int);
            CREATE TABLE %s.uniq (id int PRIMARY KEY, u int UNIQUE, active boolean, slot int, v text);
            CREATE UNIQUE INDEX ON %s.uniq (slot) WHERE active;
            CREATE TABLE %s.pair (a int, b int, v text, w int UNIQUE DEFERRABLE, PRIMARY KEY (b, a));
            CREATE TABLE %s.bare (a int, b text);
            CREATE TABLE %s.fullkey (id int PRIMARY KEY, v text);
            CREATE TABLE %s.byindex (k int NOT NULL UNIQUE, id int PRIMARY KEY, v text);
            CREATE TABLE %s.child (id int PRIMARY KEY, p int REFERENCES %s.plain ON DELETE CASCADE ON UPDATE CASCADE);
            """;

    @Test
    void shouldEqualTheMasterWithReplicaRole() throws Exception {
        long seed = Long.getLong("test.seed", System.nanoTime());
        try (ApplyFixture fixture = ApplyFixture.replica(new Random(seed))) {
            create(fixture);
            run(fixture, new Random(seed), seed, 60);
        }
    }

    @Test
    void shouldEqualTheMasterInSmallPieces() throws Exception {
        long seed = Long.getLong("test.seed", System.nanoTime());
        try (ApplyFixture fixture = ApplyFixture.replica(new Random(seed))) {
            create(fixture);
            fixture.options(new ApplyOptions(2000, 3));
            run(fixture, new Random(seed), seed, 40);
            assertTrue(fixture.pieces() > 60);
        }
    }

    /** Tables of any shape, both roles, pieces of any size; what the slave keeps beside a row stays with it. */
    @Test
    void r04r18r22ShouldEqualTheMasterWhateverTheTablesAre() throws Exception {
        long first = Long.getLong("test.seed", System.nanoTime());
        long end = System.nanoTime() + Long.getLong("test.random.millis", 4000) * 1_000_000;
        for (long seed = first; seed == first || System.nanoTime() < end; seed++) {
            Random random = new Random(seed);
            boolean replica = random.nextInt(3) > 0;
            try (ApplyFixture fixture =
                    replica ? ApplyFixture.replica(random) : ApplyFixture.ordinary(new Random(seed))) {
                StringBuilder shapes = new StringBuilder("test.seed=" + seed + (replica ? "" : " ordinary role"));
                try {
                    anyTables(fixture, random, shapes);
                } catch (AssertionError | TableException | SQLException e) {
                    throw new AssertionError(shapes.toString(), e);
                }
            }
        }
    }

    private static void anyTables(ApplyFixture fixture, Random random, StringBuilder shapes) throws Exception {
        List<RandomTable> tables = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            RandomTable table = new RandomTable("t" + i, random);
            tables.add(table);
            shapes.append("\n").append(table.ddl());
            fixture.ddl(table.ddl());
            fixture.track(table.name, table.identity, "a");
            fixture.sql("ALTER TABLE s." + table.name + " ADD COLUMN own text");
        }
        for (int batch = 0; batch < 8; batch++) {
            fixture.options(new ApplyOptions(random.nextBoolean() ? 100_000 : 400, 1 + random.nextInt(20)));
            for (int i = 1 + random.nextInt(25); i > 0; i--) {
                transaction(fixture, tables, random);
            }
            shapes.append("\nbatch ").append(batch);
            fixture.apply();
            for (RandomTable table : tables) {
                assertOwnColumnsKept(fixture, table.name);
            }
            fixture.assertSame();
        }
    }

    /** Some statements, some of them rolled back; a deferred constraint may undo it all at its end. */
    private static void transaction(ApplyFixture fixture, List<RandomTable> tables, Random random) throws SQLException {
        fixture.sql("BEGIN");
        for (int i = 1 + random.nextInt(4); i > 0; i--) {
            fixture.sql("SAVEPOINT s");
            attempt(fixture, tables.get(random.nextInt(tables.size())).statement(random), "ROLLBACK TO s");
            if (random.nextInt(6) == 0) {
                fixture.sql("ROLLBACK TO s");
            }
        }
        attempt(fixture, "COMMIT", "ROLLBACK");
    }

    private static void assertOwnColumnsKept(ApplyFixture fixture, String table) throws SQLException {
        assertEquals(
                "0",
                fixture.value("SELECT count(*) FROM s." + table + " WHERE own <> 'own' || tag"),
                "rows of " + table + " with what another row had");
        fixture.sql("UPDATE s." + table + " SET own = 'own' || tag WHERE own IS NULL");
    }

    private static void create(ApplyFixture fixture) throws SQLException {
        fixture.ddl(TABLES);
        fixture.sql("ALTER TABLE s.uniq ADD COLUMN local text DEFAULT 'kept'; ALTER TABLE s.uniq DROP COLUMN local");
        for (String table : List.of("plain", "uniq", "pair", "child")) {
            fixture.track(table, 'd');
        }
        fixture.track("bare", 'f');
        fixture.track("fullkey", 'f');
        fixture.track("byindex", 'i', "k");
    }

    private static void run(ApplyFixture fixture, Random random, long seed, int batches) throws Exception {
        for (int batch = 0; batch < batches; batch++) {
            int statements = 1 + random.nextInt(60);
            for (int i = 0; i < statements; i++) {
                attempt(fixture, statement(random));
            }
            String where = "test.seed=" + seed + " batch " + batch;
            try {
                fixture.apply();
                assertEquals(Set.of(), fixture.fellBack(), where);
                fixture.assertSame();
            } catch (AssertionError | TableException | SQLException e) {
                throw new AssertionError(where, e);
            }
        }
    }

    /** Statements that the master refuses are its own business: they change nothing. */
    private static void attempt(ApplyFixture fixture, String statement, String... undo) throws SQLException {
        try {
            fixture.sql(statement);
        } catch (SQLException e) {
            // TRUNCATE of a table whose constraints are still to be checked.
            boolean late = e.getSQLState().equals("55006");
            if (!late && !e.getSQLState().startsWith("23")) {
                throw e;
            }
            for (String sql : undo) {
                fixture.sql(sql);
            }
        }
    }

    private static String statement(Random random) {
        int k = random.nextInt(20);
        int n = random.nextInt(20);
        String v = "'v" + random.nextInt(1000) + "'";
        List<String> statements = List.of(
                "INSERT INTO m.plain VALUES (" + k + ", " + v + ", " + n + ")",
                "UPDATE m.plain SET a = " + v + " WHERE id = " + k,
                "UPDATE m.plain SET id = " + n + " WHERE id = " + k,
                "DELETE FROM m.plain WHERE id = " + k,
                "INSERT INTO m.child VALUES (" + k + ", " + n + ")",
                "DELETE FROM m.child WHERE id = " + k,
                "INSERT INTO m.uniq VALUES (" + k + ", " + n + ", " + (n % 2 == 0) + ", " + k % 5 + ", " + v + ")",
                "UPDATE m.uniq SET u = " + n + " WHERE id = " + k,
                "UPDATE m.uniq SET active = NOT active, v = " + v + " WHERE id = " + k,
                "UPDATE m.uniq SET slot = " + n + " WHERE id = " + k,
                "DELETE FROM m.uniq WHERE id = " + k,
                "INSERT INTO m.pair VALUES (" + k + ", " + n % 3 + ", " + v + ", " + n + ")",
                "UPDATE m.pair SET w = 19 - w",
                "UPDATE m.pair SET a = a + 1 WHERE a = " + k,
                "UPDATE m.pair SET b = " + n % 3 + ", v = " + v + " WHERE a = " + k,
                "DELETE FROM m.pair WHERE a = " + k,
                "INSERT INTO m.bare VALUES (" + k % 4 + ", " + (n == 0 ? "NULL" : "'b'") + ")",
                "UPDATE m.bare SET b = " + v + " WHERE ctid = (SELECT ctid FROM m.bare WHERE a = " + k % 4
                        + " LIMIT 1)",
                "DELETE FROM m.bare WHERE ctid = (SELECT ctid FROM m.bare WHERE a = " + k % 4 + " LIMIT 1)",
                "INSERT INTO m.fullkey VALUES (" + k + ", " + v + ")",
                "UPDATE m.fullkey SET id = " + n + " WHERE id = " + k,
                "UPDATE m.fullkey SET v = " + v + " WHERE id = " + k,
                "DELETE FROM m.fullkey WHERE id = " + k,
                "INSERT INTO m.byindex VALUES (" + k + ", " + n + ", " + v + ")",
                "UPDATE m.byindex SET id = " + n + " WHERE k = " + k,
                "UPDATE m.byindex SET k = " + n + " WHERE k = " + k,
                "DELETE FROM m.byindex WHERE k = " + k,
                random.nextInt(10) == 0 ? "TRUNCATE m.uniq, m.bare" : "INSERT INTO m.bare VALUES (1, 'same')",
                random.nextInt(10) == 0 ? "TRUNCATE m.plain, m.child" : "UPDATE m.plain SET b = b + 1");
        return statements.get(random.nextInt(statements.size()));
    }
}
