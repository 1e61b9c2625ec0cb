package dev.replicator.it.rules;

import static dev.replicator.it.rules.Texts.assertContains;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * R01: rows written before a table was published must be in its dump, whenever they commit. Each test lets a table join
 * while somebody holds such a row, and looks what the dump does: waiting is right, reading loses the row.
 */
class R01JoiningTableIT {
    private static final List<String> CAPTURED = new ArrayList<>(List.of("public.first"));
    private static Stage stage;

    @BeforeAll
    static void startWithOneTable() throws Exception {
        stage = Stage.open("CREATE TABLE first (id int PRIMARY KEY)").startMasterSide("public.first");
        stage.startSlave("s", "public.*");
        stage.awaitTableState("s", "public.first", "in-sync");
    }

    @AfterAll
    static void stop() throws Exception {
        stage.close();
    }

    private static void capture(String table) throws Exception {
        CAPTURED.add(table);
        stage.defineCapture("", CAPTURED.toArray(String[]::new));
        stage.capture().reload();
    }

    private static void stopCapturing(String table) throws Exception {
        CAPTURED.remove(table);
        stage.defineCapture("", CAPTURED.toArray(String[]::new));
        stage.capture().reload();
    }

    /**
     * What an operator sees when it is decided whether the dump of a table waits: {@code status}, {@code admin tables},
     * {@code dump list}.
     */
    private static String whenDecided(Stage stage, String table, int dumpsBefore) {
        stage.waiting()
                .until(
                        "the dump of " + table + " waits or is read",
                        status -> isHeld(status, table) || dumpsRead(stage, table) > dumpsBefore);
        return stage.admin("status").orThrow()
                + stage.admin("tables").orThrow()
                + stage.admin("dump", "list").orThrow();
    }

    private static boolean isHeld(JsonNode status, String table) {
        return status.path("master").path("waitingFor").toString().contains("dump of " + table + ": ");
    }

    private static int dumpsRead(Stage stage, String table) {
        return (int) stage.log().matching("Dump was read").stream()
                .filter(line -> line.contains('"' + table + '"'))
                .count();
    }

    private static void assertNames(String shown, String table, String holder) {
        assertTrue(shown.contains("waits for dump of " + table + ": " + holder), "status and tables: " + shown);
        assertTrue(
                shown.lines().anyMatch(line -> line.contains(table + " ") && line.contains(holder)),
                "admin tables: " + shown);
        assertTrue(
                shown.lines()
                        .anyMatch(line -> line.startsWith("d-") && line.contains(table + " ") && line.contains(holder)),
                "admin dump list: " + shown);
    }

    /** T1 writes a row, t is published, T1 writes another row and commits: the stream has the second row only. */
    @Test
    void r01ShouldNotDumpATableBeforeWhoeverWroteUnpublishedRowsHasEnded() throws Exception {
        stage.onMaster("CREATE TABLE t (id int PRIMARY KEY)");
        Session writer = stage.session().run("BEGIN", "INSERT INTO t VALUES (1)");
        String holder = "pid " + writer.backend() + ", transaction " + writer.transactionId() + ", for ";
        capture("public.t");
        String shown = whenDecided(stage, "public.t", 0);
        writer.run("INSERT INTO t VALUES (2)", "COMMIT");
        stage.awaitTableState("s", "public.t", "in-sync");
        stage.assertEqualTables("s", "public.t");
        assertNames(shown, "public.t", holder);
        assertContains(shown, "(at worst: SELECT pg_terminate_backend(" + writer.backend() + "))");
    }

    /** The same with a writer that has no session any more: it is named by its gid, which is what ends it. */
    @Test
    void r01ShouldWaitForAPreparedTransactionAndNameItsGid() throws Exception {
        stage.onMaster("CREATE TABLE p (id int PRIMARY KEY)");
        Session writer = stage.session().run("BEGIN", "INSERT INTO p VALUES (1)");
        long id = writer.transactionId();
        writer.run("PREPARE TRANSACTION 'forgotten one'");
        capture("public.p");
        String shown = whenDecided(stage, "public.p", 0);
        stage.onMaster("COMMIT PREPARED 'forgotten one'", "INSERT INTO p VALUES (2)");
        stage.awaitTableState("s", "public.p", "in-sync");
        stage.assertEqualTables("s", "public.p");
        assertNames(shown, "public.p", "prepared transaction 'forgotten one', transaction " + id + ", for ");
        assertContains(shown, "(COMMIT PREPARED 'forgotten one' or ROLLBACK PREPARED 'forgotten one')");
    }

    /** A partitioned table joins; T1 wrote to one of its leaves by the leaf's own name, so no lock is on the root. */
    @Test
    void r01ShouldWaitForWhoeverWroteToALeaf() throws Exception {
        stage.onMaster(
                "CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)",
                "CREATE TABLE leaf PARTITION OF parts FOR VALUES FROM (0) TO (100)");
        Session writer = stage.session().run("BEGIN", "INSERT INTO leaf VALUES (1)");
        String holder = "pid " + writer.backend() + ", transaction " + writer.transactionId() + ", for ";
        capture("public.parts");
        String shown = whenDecided(stage, "public.parts", 0);
        writer.run("INSERT INTO parts VALUES (2)", "COMMIT");
        stage.awaitTableState("s", "public.parts", "in-sync");
        stage.assertEqualTables("s", "public.parts");
        assertNames(shown, "public.parts", holder);
    }

    /** Every joining counts: a table leaves {@code tables:}, T1 writes, the table comes back. */
    @Test
    void r01ShouldWaitAgainWhenATableJoinsASecondTime() throws Exception {
        stage.onMaster("CREATE TABLE again (id int PRIMARY KEY)", "INSERT INTO again VALUES (1)");
        capture("public.again");
        stage.awaitTableState("s", "public.again", "in-sync");
        int before = dumpsRead(stage, "public.again");
        stopCapturing("public.again");
        stage.log().await("Table is no longer captured: it is not in tables: [table=\"public.again\"]");
        Session writer = stage.session().run("BEGIN", "INSERT INTO again VALUES (2)");
        String holder = "pid " + writer.backend() + ", transaction " + writer.transactionId() + ", for ";
        capture("public.again");
        String shown = whenDecided(stage, "public.again", before);
        writer.run("INSERT INTO again VALUES (3)", "COMMIT");
        stage.awaitTableState("s", "public.again", "in-sync");
        stage.assertEqualTables("s", "public.again");
        assertNames(shown, "public.again", holder);
    }
}
