package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.embedded.StepGate;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** R14: while a table is copied again readers see its old rows or its new ones, at every step, with every snapshot. */
class R14ReadersIT {
    private static final String SCHEMA =
            """
            CREATE TABLE t (id int PRIMARY KEY, v text, big text);
            ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
            CREATE INDEX t_v ON t (v);
            CREATE TABLE u (id int PRIMARY KEY, v int);
            CREATE TABLE k (v int);
            ALTER TABLE k REPLICA IDENTITY FULL;
            CREATE TABLE left_side (id int PRIMARY KEY, amount int);
            CREATE TABLE right_side (id int PRIMARY KEY, amount int);
            CREATE TABLE p (id int, region int, v text, PRIMARY KEY (id, region)) PARTITION BY RANGE (region);
            CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);
            CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (100) TO (200);
            INSERT INTO t SELECT i, 'v' || i, repeat('x', 3000) FROM generate_series(1, 200) i;
            INSERT INTO u SELECT i, i FROM generate_series(1, 200) i;
            INSERT INTO k SELECT i / 2 FROM generate_series(1, 200) i;
            INSERT INTO left_side SELECT i, 0 FROM generate_series(1, 10) i;
            INSERT INTO right_side SELECT i, 0 FROM generate_series(1, 10) i;
            INSERT INTO p SELECT i, i, 'p' || i FROM generate_series(1, 199) i;
            """;
    private static final String ROWS = "SELECT md5(string_agg(r::text, ',' ORDER BY r::text)) FROM ";
    /** How many of the tables one transaction has written to that is not committed yet. */
    private static final String WRITTEN =
            "SELECT count(DISTINCT relation) FROM pg_locks WHERE mode = 'RowExclusiveLock'"
                    + " AND relation IN ('t'::regclass, 'u'::regclass, 'k'::regclass) GROUP BY pid";
    /** In the order in which a re-sync of a table in service reaches them. */
    private static final List<String> STEPS = List.of(
            "restore.dump-chosen",
            "restore.copy-made",
            "restore.chunk-written",
            "restore.index-written",
            "restore.loaded-written",
            "restore.lane-written",
            "lane.join-ready",
            "lane.join-offered",
            "lane.join-written",
            "resync.keys-listed",
            "resync.rows-rewritten");

    private static Stage stage;

    @BeforeAll
    static void open() throws Exception {
        stage = Stage.open(SCHEMA).startMasterSide("public.*");
    }

    @AfterAll
    static void close() throws Exception {
        stage.close();
    }

    private static void start(String slave, String... tables) throws Exception {
        stage.startSlave(slave, tables);
        stage.awaitInSync(slave, tables.length);
        stage.awaitApplied(slave);
    }

    private static void resync(String slave, String... tables) {
        List<String> line = new ArrayList<>(List.of("slave", "resync", slave));
        for (String table : tables) {
            line.addAll(List.of("--table", table));
        }
        stage.admin(line.toArray(String[]::new)).orThrow();
    }

    /** Waits for the end of a re-sync. */
    private static void awaitEnd(String slave, int tables) {
        stage.awaitSlaveValue(
                slave,
                "SELECT 1 WHERE NOT EXISTS (SELECT FROM replicator.restore)"
                        + " AND NOT EXISTS (SELECT FROM replicator.table_state WHERE need <> 'none')");
        stage.awaitInSync(slave, tables);
    }

    /** Digest of t, u and k together, under one snapshot. */
    private static String all(Session reader) throws Exception {
        return reader.value("SELECT (" + ROWS + "t r) || (" + ROWS + "u r) || (" + ROWS + "k r)");
    }

    /**
     * Three tables, one of them without a key, are copied again. At each step a new reader sees all of them as they were, and
     * from P1 on all of them mended; whoever reads under an older snapshot sees to its end what it saw first. Just the rows
     * that differ are written, all in one transaction, and all that depends on the tables is still there.
     */
    @Test
    void r14ShouldShowEveryReaderTheOldRowsOrTheNewOnes() throws Exception {
        start("a", "public.t", "public.u", "public.k");
        stage.onSlave(
                "a",
                "CREATE ROLE r14_reader",
                "GRANT SELECT ON t TO r14_reader",
                "CREATE VIEW report AS SELECT * FROM t",
                "CREATE TABLE child (t_id int REFERENCES t ON DELETE CASCADE)",
                "INSERT INTO child SELECT generate_series(1, 50)",
                "CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
                "CREATE TRIGGER seen AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION seen()",
                "CREATE PUBLICATION onward FOR TABLE t",
                "UPDATE t SET v = 'damaged' WHERE id IN (60, 61)",
                "DELETE FROM t WHERE id = 62",
                "INSERT INTO t VALUES (1000, 'extra', NULL)",
                "UPDATE u SET v = -1 WHERE id = 5",
                "INSERT INTO k VALUES (4711)");
        String dependents = "SELECT 't'::regclass::oid || (SELECT relacl::text FROM pg_class WHERE oid = 't'::regclass)"
                + " || (SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass)"
                + " || (SELECT count(*) FROM pg_publication_tables WHERE tablename = 't')"
                + " || (SELECT count(*) FROM pg_constraint WHERE confrelid = 't'::regclass)";
        Session reader = stage.slaveSession("a");
        String before = reader.value(dependents);
        String damaged = all(reader);
        String untouched = "SELECT string_agg(id || '/' || ctid || '/' || xmin, ',' ORDER BY id) FROM t"
                + " WHERE id NOT IN (60, 61, 62, 1000)";
        String places = reader.value(untouched);

        readAtEveryStep("a", damaged);

        stage.assertEqualTables("a", "public.t", "public.u", "public.k");
        assertEquals(places, reader.value(untouched), "rows that do not differ are not written");
        assertEquals(before, reader.value(dependents));
        assertEquals("50", reader.value("SELECT count(*) FROM child"));
        assertEquals(reader.value(ROWS + "t r"), reader.value(ROWS + "report r"));
        stage.onSlave("a", "DROP PUBLICATION onward", "DROP OWNED BY r14_reader", "DROP ROLE r14_reader");
        stage.stopSlave("a");
    }

    private static void readAtEveryStep(String slave, String damaged) throws Exception {
        Session oldest = stage.slaveSession(slave).run("BEGIN ISOLATION LEVEL REPEATABLE READ");
        assertEquals(damaged, all(oldest));
        Session reader = stage.slaveSession(slave);
        List<StepGate> gates = STEPS.stream().map(StepGate::holdFirst).toList();
        try {
            resync(slave, "public.t", "public.u", "public.k");
            for (int i = 0; i < STEPS.size(); i++) {
                gates.get(i).awaitArrival();
                assertEquals(damaged, all(reader), "what a new reader sees at " + STEPS.get(i));
                assertEquals(damaged, all(oldest), "what an older snapshot shows at " + STEPS.get(i));
                if (STEPS.get(i).equals("resync.rows-rewritten")) {
                    assertEquals("3", reader.value(WRITTEN), "all tables of the re-sync change in one transaction");
                }
                gates.get(i).release();
            }
        } finally {
            gates.forEach(StepGate::close);
        }
        awaitEnd(slave, 3);
        assertNotEquals(damaged, all(reader));
        assertEquals(damaged, all(oldest), "what an older snapshot shows afterwards");
        oldest.run("COMMIT");
    }

    /**
     * Each transaction moves an amount from one table to the other; one of them is copied again. At every step at which lanes
     * run, another amount is moved: the table being copied must not stand still while the other one flows.
     */
    @Test
    void r14ShouldKeepTwoTablesInStepWhileOneOfThemIsCopiedAgain() throws Exception {
        start("b", "public.left_side", "public.right_side");
        Session reader = stage.slaveSession("b");
        Supplier<String> sum = () ->
                value(reader, "SELECT (SELECT sum(amount) FROM left_side) + (SELECT sum(amount) FROM right_side)");
        int moved = 0;
        for (String step :
                List.of("restore.chunk-written", "restore.loaded-written", "lane.join-ready", "resync.keys-listed")) {
            try (StepGate gate = StepGate.holdFirst(step)) {
                resync("b", "public.left_side");
                gate.awaitArrival();
                moved++;
                stage.onMaster(
                        "BEGIN",
                        "UPDATE left_side SET amount = amount - 1",
                        "UPDATE right_side SET amount = amount + 1",
                        "COMMIT");
                stage.awaitSlaveValue("b", "SELECT 1 FROM right_side WHERE id = 1 AND amount = " + moved);
                assertEquals("0", sum.get(), "at " + step);
            }
            awaitEnd("b", 2);
            assertEquals("0", sum.get(), "after " + step);
        }
        stage.assertEqualTables("b", "public.left_side", "public.right_side");
        stage.stopSlave("b");
    }

    private static String value(Session session, String sql) {
        try {
            return session.value(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * A row differs in a column that the stream does not carry when it did not change. While the list of keys is read the
     * master moves that row to another key: it is to be mended under its new one.
     */
    @Test
    void r14ShouldMendARowWhoseKeyChangesWhileTheKeysAreListed() throws Exception {
        start("c", "public.t");
        stage.onSlave("c", "UPDATE t SET big = repeat('y', 3000) WHERE id = 70");
        try (StepGate listed = StepGate.holdFirst("resync.keys-listed")) {
            resync("c", "public.t");
            listed.awaitArrival();
            stage.onMaster("UPDATE t SET id = 2070 WHERE id = 70", "DELETE FROM t WHERE id = 71");
            stage.awaitSlaveValue("c", "SELECT 1 FROM t WHERE id = 2070");
            assertEquals("y", stage.slaveValue("c", "SELECT left(big, 1) FROM t WHERE id = 2070"));
        }
        awaitEnd("c", 1);
        stage.assertEqualTables("c", "public.t");
        stage.stopSlave("c");
    }

    /**
     * Between P0 and P1 a change does not fit the table, though it fits its copy: the table stops, its copy goes on in a lane
     * of its own, replaces the rows and brings the table back. Other tables flow.
     */
    @Test
    void r14ShouldLetTheMirroredCopyMendAConflict() throws Exception {
        start("d", "public.t", "public.u");
        try (StepGate listed = StepGate.holdFirst("resync.keys-listed");
                StepGate changed = StepGate.holdFirst("lane.change-over-written")) {
            resync("d", "public.t");
            listed.awaitArrival();
            stage.onSlave("d", "INSERT INTO t VALUES (3000, 'local', NULL)");
            stage.onMaster("INSERT INTO t VALUES (3000, 'master', NULL)", "UPDATE u SET v = v + 1000 WHERE id = 9");
            stage.waiting().until("status says what mends the table", status -> Stage.tableOf(status, "d", "public.t")
                    .path("error")
                    .asText()
                    .equals("a change did not fit; the running re-sync mends it"));
            assertEquals("local", stage.slaveValue("d", "SELECT v FROM t WHERE id = 3000"));
            listed.release();
            changed.awaitArrival();
            stage.onMaster("INSERT INTO t VALUES (3001, 'behind', NULL)");
            stage.awaitSlaveValue("d", "SELECT 1 FROM u WHERE id = 9 AND v > 1000");
            assertEquals("local", stage.slaveValue("d", "SELECT v FROM t WHERE id = 3000"), "not yet committed");
        }
        awaitEnd("d", 2);
        stage.assertEqualTables("d", "public.t", "public.u");
        assertEquals("0", stage.slaveValue("d", "SELECT count(*) FROM replicator.lane"));
        stage.stopSlave("d");
    }

    /** The slave does not take a row of the copy: the re-sync fails, the table goes on as before, the next one mends it. */
    @Test
    void r14ShouldGoOnWithATableWhoseReSyncFails() throws Exception {
        start("i", "public.u");
        stage.onSlave(
                "i",
                "UPDATE u SET v = -70 WHERE id = 70",
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                        + " $$BEGIN IF NEW.id = 70 THEN RAISE 'not here'; END IF; RETURN NEW; END$$",
                "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON u FOR EACH ROW EXECUTE FUNCTION refuse()",
                "ALTER TABLE u ENABLE ALWAYS TRIGGER refuse");

        resync("i", "public.u");

        String error =
                stage.awaitTableState("i", "public.u", "error").path("error").asText();
        assertTrue(error.startsWith("the re-sync failed: replacing the rows failed: SQLSTATE P0001"), error);
        stage.onMaster("UPDATE u SET v = 7777 WHERE id = 7");
        stage.awaitSlaveValue("i", "SELECT 1 FROM u WHERE v = 7777");
        assertEquals("-70", stage.slaveValue("i", "SELECT v FROM u WHERE id = 70"));
        stage.onSlave("i", "DROP TRIGGER refuse ON u");
        resync("i", "public.u");
        awaitEnd("i", 1);
        stage.assertEqualTables("i", "public.u");
        stage.stopSlave("i");
    }

    /**
     * A partitioned table of the slave's own, with rows, is adopted and later copied again in service. Its copy is one plain
     * table; the rows go back through the root.
     */
    @Test
    void r14ShouldCopyAPartitionedTableAgain() throws Exception {
        stage.defineSlave("e", "", "public.p");
        stage.onSlave(
                "e",
                "CREATE TABLE p (id int, region int, v text, PRIMARY KEY (id, region)) PARTITION BY RANGE (region)",
                "CREATE TABLE low PARTITION OF p FOR VALUES FROM (0) TO (50)",
                "CREATE TABLE middle PARTITION OF p FOR VALUES FROM (50) TO (150)",
                "CREATE TABLE high PARTITION OF p FOR VALUES FROM (150) TO (1000)",
                "INSERT INTO p VALUES (1, 1, 'mine'), (900, 900, 'mine')");
        Session reader = stage.slaveSession("e");
        String mine = reader.value(ROWS + "p r");
        try (StepGate changed = StepGate.holdFirst("lane.change-over-written")) {
            stage.startSlave("e");
            changed.awaitArrival();
            assertEquals(mine, reader.value(ROWS + "p r"));
        }
        stage.awaitInSync("e", 1);
        stage.assertEqualTables("e", "public.p");
        stage.onSlave("e", "UPDATE p SET v = 'damaged' WHERE id = 60", "DELETE FROM low WHERE id = 7");
        String damaged = reader.value(ROWS + "p r");
        try (StepGate rewritten = StepGate.holdFirst("resync.rows-rewritten")) {
            resync("e", "public.p");
            rewritten.awaitArrival();
            assertEquals(damaged, reader.value(ROWS + "p r"));
        }
        stage.onMaster("UPDATE p SET region = 120 WHERE id = 20", "INSERT INTO p VALUES (500, 199, 'new')");
        awaitEnd("e", 1);
        stage.assertEqualTables("e", "public.p");
        stage.stopSlave("e");
    }

    /** An empty table is loaded in place: readers see it fill, so nobody is told that it is in sync before it is whole. */
    @Test
    void r14ShouldNotCallATableInSyncThatIsLoadedInPlaceBeforeItIsWhole() throws Exception {
        stage.defineSlave("f", "", "public.u");
        stage.onSlave("f", "CREATE TABLE u (id int PRIMARY KEY, v int)");
        List<String> steps =
                List.of("restore.chunk-written", "restore.loaded-written", "restore.lane-written", "lane.join-written");
        List<StepGate> gates = steps.stream().map(StepGate::holdFirst).toList();
        try {
            stage.startSlave("f");
            for (StepGate gate : gates) {
                gate.awaitArrival();
                JsonNode table = Stage.tableOf(stage.status(), "f", "public.u");
                assertTrue(
                        List.of("waiting-for-dump", "restoring", "catching-up")
                                .contains(table.path("state").asText()),
                        table::toString);
                gate.release();
            }
        } finally {
            gates.forEach(StepGate::close);
        }
        stage.awaitInSync("f", 1);
        stage.assertEqualTables("f", "public.u");
        stage.stopSlave("f");
    }

    /**
     * A table in service that has no rows just now is not loaded in place: the lane, held here before it can insert what the dump
     * holds as well, goes on applying changes to it.
     */
    @Test
    void r14ShouldNotLoadATableInServiceInPlaceThoughItIsEmpty() throws Exception {
        stage.onMaster("CREATE TABLE emptied (id int PRIMARY KEY, v int)", "INSERT INTO emptied VALUES (1, 1)");
        start("h", "public.emptied");
        stage.onMaster("DELETE FROM emptied");
        stage.awaitApplied("h");
        try (StepGate taken = StepGate.holdFirst("lane.batch-taken")) {
            stage.onMaster("INSERT INTO emptied SELECT i, i FROM generate_series(1, 100) i");
            taken.awaitArrival();
            resync("h", "public.emptied");
            stage.awaitSlaveValue("h", "SELECT mode FROM replicator.restore WHERE mode IS NOT NULL", "shadow");
        }
        awaitEnd("h", 1);
        stage.assertEqualTables("h", "public.emptied");
        stage.stopSlave("h");
    }

    /** A table that is not there is built out of sight and gets its name when it is whole, in the hand-over's transaction. */
    @Test
    void r14ShouldShowACreatedTableOnlyWhenItIsWhole() throws Exception {
        stage.defineSlave("g", "", "public.t");
        try (StepGate joined = StepGate.holdFirst("lane.join-written")) {
            stage.startSlave("g");
            joined.awaitArrival();
            assertEquals("t", stage.slaveValue("g", "SELECT to_regclass('public.t') IS NULL"));
        }
        stage.awaitInSync("g", 1);
        stage.assertEqualTables("g", "public.t");
        assertEquals(
                "t_pkey,t_v",
                stage.slaveValue(
                        "g",
                        "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class c JOIN pg_index i"
                                + " ON i.indexrelid = c.oid WHERE i.indrelid = 'public.t'::regclass"));
        stage.stopSlave("g");
    }
}
