package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.embedded.Await;
import dev.replicator.launcher.local.AdminResult;
import dev.replicator.launcher.local.StatusWait;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** R23, conflicts: what was before is kept, one table stands still, the others flow, and every way out is exact. */
class R23ParkingIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int TRANSACTIONS = 1000;

    private static final String SCHEMA =
            """
            CREATE TABLE failing (id int PRIMARY KEY, v text);
            CREATE TABLE flowing (id int PRIMARY KEY, v text);
            CREATE TABLE left_one (id int PRIMARY KEY, v text);
            CREATE TABLE right_one (id int PRIMARY KEY, v text);
            CREATE TABLE broken (id int PRIMARY KEY, v text);
            CREATE TABLE waiting (id int PRIMARY KEY, v text);
            CREATE TABLE stopped (id int PRIMARY KEY, v text);
            CREATE TABLE overwritten (id int PRIMARY KEY, v text);
            """;

    private static Stage stage;

    @BeforeAll
    static void start() throws Exception {
        stage = Stage.open(SCHEMA).startMasterSide("public.*");
        stage.startSlave(
                "s", "public.failing", "public.flowing", "public.left_one", "public.right_one", "public.broken");
        stage.awaitInSync("s", 5);
    }

    @AfterAll
    static void stop() throws Exception {
        stage.close();
    }

    /** Transaction 500 of a batch of 1000 does not fit: 1 to 499 are committed, its table stands right before it. */
    @Test
    void r23ShouldKeepWhatCameBeforeAndParkTheTableAtTheTransactionBefore() throws Exception {
        stage.admin("slave", "pause", "s").orThrow();
        AdminResult whilePaused = stage.admin("wait", "--slave", "s", "--timeout", "60s");
        assertRefused(whilePaused, "slave s: it is paused", "slave resume s");
        stage.onSlave("s", "INSERT INTO failing VALUES (500, 'local')");
        stage.onMaster("DO $$ BEGIN FOR i IN 1.." + TRANSACTIONS
                + " LOOP INSERT INTO public.failing VALUES (i, 'master'); COMMIT;"
                + " INSERT INTO public.flowing VALUES (i, 'master'); COMMIT; END LOOP; END $$");
        stage.admin("slave", "resume", "s").orThrow();

        JsonNode parked = stage.awaitTableState("s", "public.failing", "error");
        long seq = parked.path("conflictSeq").asLong();
        stage.waiting().until("the other tables flow", s -> sameRows("public.flowing"));
        assertEquals("499", stage.slaveValue("s", "SELECT count(*) FROM failing WHERE v = 'master' AND id < 500"));
        assertEquals("1", stage.slaveValue("s", "SELECT count(*) FROM failing WHERE id >= 500"));
        assertEquals(
                seq - 1,
                Stage.tableOf(stage.status(), "s", "public.failing")
                        .path("appliedSeq")
                        .asLong());
        assertEquals(
                "error", StatusWait.slaveOf(stage.status(), "s").path("state").asText());

        String text = parked.path("error").asText();
        assertTrue(text.startsWith("public.failing, seq " + seq + ": INSERT on public.failing: "), text);
        assertTrue(text.contains("failing_pkey") && text.contains("`skip --seq " + seq + "`"), text);
        assertRefused(stage.admin("wait", "--slave", "s", "--timeout", "60s"), text, "slave resume");
        String shown = stage.admin("slave", "show", "s").orThrow();
        assertTrue(shown.contains("parked-") && shown.contains("seq " + seq), shown);
        String conflicts = stage.admin("slave", "conflicts", "s").orThrow();
        assertTrue(
                conflicts
                        .lines()
                        .anyMatch(line -> line.contains(Long.toString(seq))
                                && line.contains("public.failing")
                                && line.contains("UNIQUE")
                                && line.contains("parked")),
                conflicts);

        // The cause is still there: it is tried again and parks again at the same place.
        stage.admin("slave", "resume", "s", "--table", "public.failing").orThrow();
        stage.waiting().until("it is parked again", s -> "2".equals(recorded("public.failing", "parked")));
        assertEquals(
                seq,
                stage.awaitTableState("s", "public.failing", "error")
                        .path("conflictSeq")
                        .asLong());

        stage.onSlave("s", "DELETE FROM failing WHERE id = 500");
        stage.admin("slave", "resume", "s", "--table", "public.failing").orThrow();
        stage.awaitTableState("s", "public.failing", "in-sync");
        stage.assertEqualTables("s", "public.failing", "public.flowing");
    }

    /** Two tables are parked at one transaction; `skip` drops its changes of one, then of all that stand there. */
    @Test
    void r23ShouldSkipOfTheNamedTableOrOfAllThatStandAtTheTransaction() throws Exception {
        stage.onSlave("s", "INSERT INTO left_one VALUES (1, 'local')", "INSERT INTO right_one VALUES (1, 'local')");
        stage.onMaster(
                "BEGIN; INSERT INTO left_one VALUES (1, 'left of master'), (2, 'also dropped');"
                        + " INSERT INTO right_one VALUES (1, 'right of master'); COMMIT",
                "BEGIN; INSERT INTO left_one VALUES (3, 'kept'); INSERT INTO right_one VALUES (3, 'kept'); COMMIT");
        long seq = stage.awaitTableState("s", "public.left_one", "error")
                .path("conflictSeq")
                .asLong();
        assertEquals(
                seq,
                stage.awaitTableState("s", "public.right_one", "error")
                        .path("conflictSeq")
                        .asLong());

        AdminResult elsewhere = stage.admin("slave", "skip", "s", "--seq", Long.toString(seq + 1));
        assertRefused(elsewhere, "no table stands at a conflict in seq " + (seq + 1));
        stage.admin("slave", "skip", "s", "--seq", Long.toString(seq), "--table", "public.left_one")
                .orThrow();
        stage.awaitTableState("s", "public.left_one", "in-sync");
        awaitIds("1,3", "left_one");
        assertEquals(
                "error",
                stage.awaitTableState("s", "public.right_one", "error")
                        .path("state")
                        .asText());
        assertEquals("1", ids("right_one"));

        stage.admin("slave", "skip", "s", "--seq", Long.toString(seq)).orThrow();
        stage.awaitTableState("s", "public.right_one", "in-sync");
        awaitIds("1,3", "right_one");
        assertEquals(
                "left of master,also dropped,right of master",
                stage.slaveValue(
                        "s",
                        "SELECT string_agg(row_image #>> '{after,v}', ',' ORDER BY id) FROM replicator.conflict"
                                + " WHERE resolution = 'skipped' AND seq = " + seq));
        String conflicts = stage.admin("slave", "conflicts", "s").orThrow();
        assertTrue(conflicts.contains("dropped by the command skip --seq " + seq), conflicts);
    }

    /** The session is lost after the skip was written and before its commit: either both are there, or neither. */
    @Test
    void r23ShouldRecordASkipInTheCommitThatSkips() throws Exception {
        stage.onSlave("s", "ALTER TABLE broken ADD CONSTRAINT no_master CHECK (v <> 'master')");
        stage.onMaster("INSERT INTO broken VALUES (1, 'master')", "INSERT INTO broken VALUES (2, 'kept')");
        long seq = stage.awaitTableState("s", "public.broken", "error")
                .path("conflictSeq")
                .asLong();
        // A table that stands where the main lane stands goes back to it at once, and is skipped there.
        Await.until(
                "the main lane is behind both transactions",
                PATIENCE,
                () -> Long.parseLong(stage.slaveValue("s", "SELECT seq FROM replicator.progress WHERE origin = 0"))
                        > seq);
        Session observer = stage.slaveSession("s");
        observer.run("BEGIN", "LOCK TABLE replicator.conflict IN SHARE MODE");
        stage.admin("slave", "skip", "s", "--seq", Long.toString(seq)).orThrow();
        String first = awaitLaneBlockedBy(observer, "");
        assertEquals("0", recorded("public.broken", "skipped"));
        observer.run("SELECT pg_terminate_backend(" + first + ")");
        awaitLaneBlockedBy(observer, first);
        assertEquals(
                Long.toString(seq),
                stage.slaveValue(
                        "s", "SELECT skip_seq FROM replicator.table_state WHERE table_name = 'public.broken'"));

        observer.run("COMMIT");
        stage.awaitTableState("s", "public.broken", "in-sync");
        assertEquals("1", recorded("public.broken", "skipped"));
        assertEquals("2", ids("broken"));
    }

    /** Under stop-slave nothing of the lane goes on, with another table too, until the conflict is resolved. */
    @Test
    void r23ShouldStopTheWholeLaneUnderStopSlave() throws Exception {
        stage.defineSlave("h", "apply: {on-conflict: stop-slave}\n", "public.stopped", "public.waiting");
        stage.startSlave("h");
        stage.awaitInSync("h", 2);
        stage.onSlave("h", "INSERT INTO stopped VALUES (1, 'local')");
        String before = stage.slaveValue("h", "SELECT count(*) FROM waiting");
        stage.onMaster("INSERT INTO stopped VALUES (1, 'master')", "INSERT INTO waiting VALUES (-1, 'waits')");
        JsonNode stopped = stage.awaitTableState("h", "public.stopped", "error");
        assertEquals("main", stopped.path("lane").asText());
        assertTrue(stopped.path("error").asText().contains("seq " + stopped.path("conflictSeq")), stopped.toString());
        assertEquals(before, stage.slaveValue("h", "SELECT count(*) FROM waiting"));
        assertEquals(
                "1", stage.slaveValue("h", "SELECT count(*) FROM replicator.conflict WHERE resolution = 'stopped'"));

        stage.onSlave("h", "DELETE FROM stopped");
        stage.admin("slave", "resume", "h").orThrow();
        stage.assertEqualTables("h", "public.stopped", "public.waiting");
        stage.stopSlave("h");
    }

    /** Overwrite gives the master's values to the row that stands there, and says so. */
    @Test
    void r23ShouldOverwriteAndRecordIt() throws Exception {
        stage.defineSlave("o", "apply: {on-conflict: overwrite}\n", "public.overwritten");
        stage.startSlave("o");
        stage.awaitInSync("o", 1);
        stage.onSlave("o", "INSERT INTO overwritten VALUES (1, 'local')");
        stage.onMaster("INSERT INTO overwritten VALUES (1, 'master')");
        stage.assertEqualTables("o", "public.overwritten");
        assertEquals(
                "overwritten UNIQUE",
                stage.slaveValue("o", "SELECT resolution || ' ' || kind FROM replicator.conflict"));
        stage.stopSlave("o");
    }

    private static String awaitLaneBlockedBy(Session holder, String formerly) throws Exception {
        String sql = "SELECT pid FROM pg_stat_activity WHERE " + holder.backend()
                + " = ANY (pg_blocking_pids(pid)) AND application_name LIKE 'replicator slave s lane parked%'"
                + (formerly.isEmpty() ? "" : " AND pid <> " + formerly);
        try (Session observer = stage.slaveSession("s")) {
            Await.until("the parked lane waits for the session", PATIENCE, () -> observer.value(sql) != null);
            return observer.value(sql);
        }
    }

    private static void assertRefused(AdminResult result, String... texts) {
        assertEquals(1, result.exitCode(), result.toString());
        for (String text : texts) {
            assertTrue(result.errors().contains(text), result.errors());
        }
    }

    private static String recorded(String table, String resolution) {
        return value("SELECT count(*) FROM replicator.conflict WHERE table_name = '" + table + "' AND resolution = '"
                + resolution + "'");
    }

    private static boolean sameRows(String table) {
        return value("SELECT count(*) FROM " + table).equals(Integer.toString(TRANSACTIONS));
    }

    /** A table counts as in sync while it is little behind: the transactions may come in two batches. */
    private static void awaitIds(String expected, String table) {
        Await.until(table + " has " + expected, PATIENCE, () -> ids(table).equals(expected));
    }

    private static String ids(String table) {
        return value("SELECT string_agg(id::text, ',' ORDER BY id) FROM public." + table);
    }

    private static String value(String sql) {
        try {
            return stage.slaveValue("s", sql);
        } catch (java.sql.SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
