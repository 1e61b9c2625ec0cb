package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.embedded.Await;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** R18: constraints that PostgreSQL checks late, or not at all, are checked before a batch commits, and stall nothing. */
class R18ConstraintsIT {
    private static final String SCHEMA =
            """
            CREATE TABLE d (id int PRIMARY KEY, v text);
            CREATE TABLE late (id int PRIMARY KEY, u int);
            CREATE TABLE slots (id int PRIMARY KEY, active boolean, slot int);
            CREATE UNIQUE INDEX ON slots (slot) WHERE active;
            CREATE TABLE parent (id int PRIMARY KEY);
            CREATE TABLE t (id int PRIMARY KEY, p int);
            CREATE TABLE other (id int PRIMARY KEY, v int);
            INSERT INTO d SELECT i, 'v' FROM generate_series(1, 5) i;
            INSERT INTO slots SELECT i, i = 1, 7 FROM generate_series(1, 5) i;
            INSERT INTO parent VALUES (0);
            INSERT INTO t VALUES (1, 0);
            INSERT INTO other VALUES (1, 0);
            """;

    private static Stage stage;
    private static Session replica;
    private static Session ordinary;

    @BeforeAll
    static void start() throws Exception {
        stage = Stage.open(SCHEMA).startMasterSide("public.*");
        stage.defineSlave("replica", "", "public.d", "public.slots", "public.other");
        replica = stage.slaveSession("replica").run("CREATE TABLE d (id int PRIMARY KEY DEFERRABLE, v text)");
        stage.startSlave("replica");
        stage.defineOrdinarySlave("ordinary", "", "public.late", "public.parent", "public.t", "public.other");
        ordinary = stage.slaveSession("ordinary")
                .run(
                        "CREATE TABLE late (id int PRIMARY KEY, u int UNIQUE DEFERRABLE INITIALLY DEFERRED)",
                        "CREATE TABLE parent (id int PRIMARY KEY)",
                        "CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES parent)");
        stage.startSlave("ordinary");
        stage.awaitInSync("replica", 3);
        stage.awaitInSync("ordinary", 4);
    }

    @AfterAll
    static void stop() throws Exception {
        stage.close();
    }

    /** The slave's key is deferrable: under replica role the server lets a second row with it in. */
    @Test
    void r18ShouldFindADuplicateThatReplicaRoleLetsIn() throws Exception {
        replica.run("INSERT INTO d VALUES (50, 'local')");
        stage.onMaster("INSERT INTO d VALUES (50, 'master')", "UPDATE d SET v = 'behind' WHERE id = 1");

        String error = stage.awaitTableState("replica", "public.d", "error")
                .path("error")
                .asText();
        assertTrue(
                error.contains(
                        "At the end of the transaction rows of public.d violate a deferrable unique or exclusion constraint"),
                error);
        assertTrue(error.contains("mend the row here and `resume`, or `skip --seq "), error);
        assertEquals("local", replica.value("SELECT string_agg(v, ',') FROM d WHERE id = 50"));
        String shown = stage.admin("slave", "show", "replica").orThrow();
        assertTrue(shown.contains("deferrable unique or exclusion constraint"), shown);

        replica.run("DELETE FROM d WHERE id = 50");
        stage.admin("slave", "resume", "replica", "--table", "public.d").orThrow();
        stage.awaitTableState("replica", "public.d", "in-sync");
        stage.assertEqualTables("replica", "public.d");
    }

    /** Checks are on, and the violation would come with COMMIT, when nobody can say any more which change it was. */
    @Test
    void r18ShouldFindALateViolationBeforeTheCommit() throws Exception {
        ordinary.run("INSERT INTO late VALUES (900, 5)");
        stage.onMaster("INSERT INTO late VALUES (1, 5), (2, 6)", "INSERT INTO other VALUES (900, 9)");

        String error = stage.awaitTableState("ordinary", "public.late", "error")
                .path("error")
                .asText();
        assertTrue(error.contains("At the end of the transaction: duplicate key value violates unique"), error);
        // The other tables flow past it.
        awaitTarget(ordinary, "SELECT v FROM other WHERE id = 900", "9");

        ordinary.run("DELETE FROM late WHERE id = 900");
        stage.admin("slave", "resume", "ordinary", "--table", "public.late").orThrow();
        stage.awaitTableState("ordinary", "public.late", "in-sync");
        stage.assertEqualTables("ordinary", "public.late");
    }

    /** In one batch slot 7 goes from row to row: no key column changes, and no order of one UPDATE statement is right. */
    @Test
    void r18ShouldHandOverAPartialUniqueValueWithinABatch() throws Exception {
        stage.stopSlave("replica");
        for (int row = 1; row < 5; row++) {
            stage.onMaster(
                    "UPDATE slots SET active = false WHERE id = " + row,
                    "UPDATE slots SET active = true WHERE id = " + (row + 1));
        }
        stage.onMaster("UPDATE slots SET active = false WHERE id = 5", "UPDATE slots SET active = true WHERE id = 3");
        stage.startSlave("replica");
        stage.assertEqualTables("replica", "public.slots");
        assertEquals(List.of(), fallBacks("public.slots"));
    }

    /** A batch that the fast path can never do, again and again: it is tried less and less often. */
    @Test
    void r18ShouldTryTheFastPathAgainAfterGrowingPauses() throws Exception {
        for (int batch = 1; batch <= 20; batch++) {
            // Fast: t is updated before the new parent is there, and the foreign key is live.
            stage.onMaster("BEGIN; INSERT INTO parent VALUES (" + batch + "); UPDATE t SET p = " + batch
                    + "; UPDATE other SET v = v + 1 WHERE id = 1; COMMIT");
            awaitTarget(ordinary, "SELECT p FROM t", Integer.toString(batch));
        }
        stage.assertEqualTables("ordinary", "public.parent", "public.t");
        // Batches 1, 6 and 15 of the table; all others go row by row for t alone.
        assertEquals(
                3, fallBacks("public.t").size(), () -> fallBacks("public.t").toString());
        assertEquals(List.of(), fallBacks("public.other"));
    }

    /** A key that is checked here while the rows it points to are not there: the restore says so, and waits for them. */
    @Test
    void r18ShouldWaitForTheRowsThatAForeignKeyNeeds() throws Exception {
        stage.defineOrdinarySlave("child", "", "public.t");
        Session child = stage.slaveSession("child")
                .run(
                        "CREATE TABLE parent (id int PRIMARY KEY)",
                        "CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES parent)");
        stage.startSlave("child");
        stage.waiting()
                .until("the slave says what its table waits for", status -> Stage.tableOf(status, "child", "public.t")
                        .path("error")
                        .asText()
                        .startsWith("a foreign key here refuses its rows until the table it references is loaded: "));

        child.run("INSERT INTO parent SELECT generate_series(0, 100)");

        stage.awaitTableState("child", "public.t", "in-sync");
        stage.assertEqualTables("child", "public.t");
    }

    private static List<String> fallBacks(String table) {
        return stage.log().matching("replaying the batch row by row").stream()
                .filter(line -> line.contains("[" + table + "]"))
                .toList();
    }

    private static void awaitTarget(Session target, String query, String expected) {
        Await.until(
                query + " gives " + expected,
                Duration.ofSeconds(60),
                () -> expected.equals(target.value(query)),
                () -> stage.log().lines().toString());
    }
}
