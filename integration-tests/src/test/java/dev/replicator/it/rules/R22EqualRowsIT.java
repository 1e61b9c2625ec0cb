package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** R22: a change touches exactly one row, and the right one, whatever names it. */
class R22EqualRowsIT {
    private static final String SCHEMA =
            """
            CREATE EXTENSION citext;
            CREATE TABLE k (a int, j json, x xml, p point, f float8, n numeric, c citext, t text);
            ALTER TABLE k REPLICA IDENTITY FULL;
            INSERT INTO k SELECT 1, '{"a": 1}', '<a/>', '(1,2)', '-0', 1.0, 'a', NULL FROM generate_series(1, 3);
            INSERT INTO k VALUES (1, '{"a":1}', '<a/>', '(1,2)', '0', 1.00, 'A', NULL), (NULL, NULL, NULL, NULL, 'NaN', 'NaN', NULL, NULL);
            CREATE TABLE keyed (id int PRIMARY KEY, v int);
            INSERT INTO keyed SELECT i, i FROM generate_series(1, 10) i;
            CREATE TABLE named (id int PRIMARY KEY, a int NOT NULL, v text);
            CREATE UNIQUE INDEX named_a ON named (a);
            ALTER TABLE named REPLICA IDENTITY USING INDEX named_a;
            INSERT INTO named SELECT i, -i, 'v' FROM generate_series(1, 20) i;
            """;

    private static Stage stage;

    @BeforeAll
    static void start() throws Exception {
        stage = Stage.open(SCHEMA).startMasterSide("public.*");
        // own: its tables were there before; made: creates them.
        stage.defineSlave("own", "", "public.*");
        stage.slaveSession("own")
                .run(
                        "CREATE EXTENSION citext",
                        "CREATE TABLE named (id int PRIMARY KEY, a int, v text)",
                        "CREATE TABLE k (a int, j json, x xml, p point, f float8, n numeric, c citext, t text)"
                                + " PARTITION BY LIST (a)",
                        "CREATE TABLE k1 PARTITION OF k FOR VALUES IN (1)",
                        "CREATE TABLE k2 PARTITION OF k DEFAULT");
        stage.startSlave("own");
        stage.defineSlave("made", "", "public.*");
        stage.slaveSession("made").run("CREATE EXTENSION citext");
        stage.startSlave("made");
        stage.awaitInSync("own", 3);
        stage.awaitInSync("made", 3);
    }

    @AfterAll
    static void stop() throws Exception {
        stage.close();
    }

    /** Three equal rows: one goes, one changes. Rows that compare equal but are not the same: each is found for itself. */
    @Test
    void r22ShouldTouchExactlyOneOfEqualRows() throws Exception {
        stage.stopSlave("own");
        stage.stopSlave("made");
        stage.onMaster(
                "DELETE FROM k WHERE ctid = (SELECT min(ctid) FROM k WHERE n::text = '1.0')",
                "UPDATE k SET t = 'one' WHERE ctid = (SELECT max(ctid) FROM k WHERE n::text = '1.0')",
                "UPDATE keyed SET v = 0",
                "UPDATE k SET a = 2 WHERE n::text = '1.00'",
                "UPDATE k SET c = 'B' WHERE f = 'NaN'",
                "INSERT INTO k SELECT 7, NULL, NULL, NULL, 0, 0, 'x' FROM generate_series(1, 4)",
                "UPDATE k SET n = 0.0 WHERE ctid = (SELECT max(ctid) FROM k WHERE a = 7)",
                "DELETE FROM k WHERE ctid IN (SELECT ctid FROM k WHERE a = 7 AND n::text = '0' LIMIT 2)",
                "UPDATE keyed SET v = 1 WHERE id = 1");
        stage.startSlave("own");
        stage.startSlave("made");
        stage.assertEqualTables("own", "public.k", "public.keyed");
        stage.assertEqualTables("made", "public.k", "public.keyed");
        assertEquals("2", stage.slaveSession("own").value("SELECT count(*) FROM k WHERE a = 1"));
        assertEquals(0, stage.log().matching("replaying the batch row by row").size());
    }

    /** The master names rows by a. Here the key is id, a has no index, and an update of id alone sends no old row. */
    @Test
    void r22ShouldFollowAnIdentityThatIsNotTheSlavesKey() throws Exception {
        stage.stopSlave("own");
        stage.onMaster(
                "UPDATE named SET id = 0 WHERE a = -1",
                "UPDATE named SET id = 1 WHERE a = -2",
                "UPDATE named SET id = 2 WHERE a = -1",
                "UPDATE named SET a = 100 WHERE id = 5",
                "UPDATE named SET a = -5, id = 50 WHERE id = 6",
                "DELETE FROM named WHERE id = 7");
        stage.startSlave("own");
        stage.assertEqualTables("own", "public.named");
        stage.assertEqualTables("made", "public.named");
        assertEquals(0, stage.log().matching("replaying the batch row by row").size());
    }

    /** Each change would read the whole table: preflight names the index, and a table that the slave makes has it. */
    @Test
    void r22ShouldNameTheIndexThatTheIdentityNeeds() throws Exception {
        String own = stage.preflightOfSlave("own");
        assertTrue(
                own.contains(
                        "note public.named: No index of public.named begins with one of the columns by which the master"
                                + " names rows | CREATE INDEX CONCURRENTLY ON \"public\".\"named\" (\"a\");"),
                own);
        String made = stage.preflightOfSlave("made");
        assertFalse(made.contains("No index of"), made);
        assertEquals(
                "1",
                stage.slaveSession("made")
                        .value(
                                "SELECT count(*) FROM pg_indexes WHERE tablename = 'named' AND indexdef LIKE '%UNIQUE%(a)'"));
    }
}
