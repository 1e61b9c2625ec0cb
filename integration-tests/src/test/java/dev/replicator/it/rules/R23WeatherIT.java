package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.embedded.Await;
import dev.replicator.launcher.local.StatusWait;
import java.time.Duration;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * R23, weather: what says nothing about the rows (a reader's lock, a deadlock, a cancelled statement, a lost session, a full
 * disk) is waited for and repeated. Under {@code skip}, where a system that takes it for a conflict throws good rows away.
 */
class R23WeatherIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long FIRST_LOCK = 230_001;
    private static final long SECOND_LOCK = 230_002;

    private static final String SCHEMA =
            """
            CREATE TABLE read (id int PRIMARY KEY);
            CREATE TABLE deadlocked (id int PRIMARY KEY);
            CREATE TABLE cancelled (id int PRIMARY KEY);
            CREATE TABLE stormy (id int PRIMARY KEY, v text);
            INSERT INTO read VALUES (1);
            """;

    /** Fails every statement on table stormy with the SQLSTATE that table weather holds, if it holds one. */
    private static final String STORM =
            """
            CREATE TABLE weather (code text);
            CREATE FUNCTION storm() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE code text := (SELECT w.code FROM public.weather w);
            BEGIN
              IF code IS NOT NULL THEN
                RAISE EXCEPTION 'not now' USING ERRCODE = code;
              END IF;
              RETURN NEW;
            END $$;
            CREATE TRIGGER storm BEFORE INSERT OR UPDATE ON stormy FOR EACH ROW EXECUTE FUNCTION storm();
            ALTER TABLE stormy ENABLE ALWAYS TRIGGER storm;
            """;

    /** Whoever writes to table deadlocked then takes two advisory locks, one after the other. */
    private static final String TWO_LOCKS =
            """
            CREATE FUNCTION two_locks() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              PERFORM pg_advisory_xact_lock(230001);
              PERFORM pg_advisory_xact_lock(230002);
              RETURN NULL;
            END $$;
            CREATE TRIGGER two_locks AFTER INSERT ON deadlocked FOR EACH STATEMENT EXECUTE FUNCTION two_locks();
            ALTER TABLE deadlocked ENABLE ALWAYS TRIGGER two_locks;
            """;

    private static Stage stage;

    @BeforeAll
    static void start() throws Exception {
        stage = Stage.open(SCHEMA).startMasterSide("public.*");
        stage.defineSlave(
                "s",
                "apply: {on-conflict: skip}\n",
                "public.read",
                "public.deadlocked",
                "public.cancelled",
                "public.stormy");
        // A lock_timeout of the role must not turn waiting into failing.
        stage.onSlave(
                "s", "ALTER DATABASE " + stage.slaveValue("s", "SELECT current_database()") + " SET lock_timeout = 1");
        stage.startSlave("s");
        stage.awaitInSync("s", 4);
        stage.onSlave("s", STORM, TWO_LOCKS);
    }

    @AfterAll
    static void stop() throws Exception {
        stage.close();
    }

    /** A reader holds the table that a TRUNCATE wants; the master goes on; status names the reader; then it ends. */
    @Test
    void r23ShouldWaitForAReaderAndNameItsProcess() throws Exception {
        Session reader = stage.slaveSession("s");
        reader.run("BEGIN", "SELECT count(*) FROM read");
        stage.onMaster("TRUNCATE read", "INSERT INTO read VALUES (2)");

        String pid = "pid " + reader.backend();
        stage.waiting().until("status names the reader", status -> tableOf(status, "public.read")
                .path("blockedBy")
                .asText()
                .contains(pid));
        stage.waiting()
                .until(
                        "the lag grows while it waits",
                        status -> StatusWait.slaveOf(status, "s")
                                        .path("lagSeconds")
                                        .asDouble()
                                > 1);
        String shown = stage.admin("slave", "show", "s").orThrow();
        assertTrue(shown.contains("BLOCKED BY") && shown.contains(pid), shown);
        String status = stage.admin("status").orThrow();
        assertTrue(
                status.lines().anyMatch(line -> line.contains("public.read ") && line.contains(" " + pid + " ")),
                status);
        assertEquals("1", reader.value("SELECT id FROM read"), "the reader sees the rows it began with");

        reader.run("COMMIT");
        stage.assertEqualTables("s", "public.read");
        assertNothingThrownAway("public.read");
    }

    /** The lane and a reader wait for each other; the server ends the lane's transaction with 40P01. */
    @Test
    void r23ShouldRepeatAfterADeadlockWithAReader() throws Exception {
        Session holder = stage.slaveSession("s");
        holder.run("SELECT pg_advisory_lock(" + FIRST_LOCK + ")");
        Session reader = stage.slaveSession("s");
        // The reader never looks for deadlocks, so it is the lane that is ended.
        reader.run("SET deadlock_timeout = '1h'", "SET lock_timeout = 0", "BEGIN");
        reader.run("SELECT pg_advisory_xact_lock(" + SECOND_LOCK + ")");
        stage.onMaster("INSERT INTO deadlocked VALUES (1)");
        awaitBlockedBy(holder, "");

        long readersBackend = reader.backend();
        Future<?> asking = reader.start("LOCK TABLE deadlocked IN ACCESS EXCLUSIVE MODE");
        Await.until("the reader waits for the lane", PATIENCE, () -> "t"
                .equals(holder.value("SELECT cardinality(pg_blocking_pids(" + readersBackend + ")) > 0")));
        holder.run("SELECT pg_advisory_unlock(" + FIRST_LOCK + ")");
        stage.log().await("deadlock detected");
        asking.get();

        reader.run("COMMIT");
        stage.assertEqualTables("s", "public.deadlocked");
        assertNothingThrownAway("public.deadlocked");
    }

    /** An administrator cancels the waiting statement, then ends the session. */
    @Test
    void r23ShouldRepeatWhenItsStatementIsCancelledAndItsSessionEnded() throws Exception {
        Session administrator = stage.slaveSession("s");
        administrator.run("BEGIN", "LOCK TABLE cancelled IN SHARE MODE");
        stage.onMaster("INSERT INTO cancelled VALUES (1)");

        String first = awaitBlockedBy(administrator, "");
        administrator.run("SELECT pg_cancel_backend(" + first + ")");
        stage.log().await("canceling statement due to user request");
        String second = awaitBlockedBy(administrator, first);
        administrator.run("SELECT pg_terminate_backend(" + second + ")");
        stage.log().await("terminating connection due to administrator command");
        assertNotEquals(second, awaitBlockedBy(administrator, second));

        administrator.run("COMMIT");
        stage.assertEqualTables("s", "public.cancelled");
        assertNothingThrownAway("public.cancelled");
    }

    /** The server fails every attempt with one code after another; nothing is lost, and status tells the code. */
    @Test
    void r23ShouldNotTakeWeatherForAConflict() throws Exception {
        int id = 0;
        for (String code : new String[] {"40001", "40P01", "53100", "53200", "57014", "55P03", "58030"}) {
            stage.onSlave("s", "INSERT INTO weather VALUES ('" + code + "')");
            stage.onMaster("INSERT INTO stormy VALUES (" + ++id + ", '" + code + "')");
            JsonNode status = stage.waiting()
                    .until(
                            "status tells of " + code,
                            s -> !"0".equals(conflicts("public.stormy"))
                                    || StatusWait.slaveOf(s, "s")
                                            .path("error")
                                            .asText()
                                            .contains("SQLSTATE " + code));
            assertEquals("0", conflicts("public.stormy"), code + " was taken for a conflict");
            assertEquals(
                    "in-sync", tableOf(status, "public.stormy").path("state").asText(), code);
            assertTrue(
                    !stage.log()
                            .matching("SQLSTATE " + code + "); trying again")
                            .isEmpty(),
                    code);
            stage.onSlave("s", "DELETE FROM weather");
            stage.assertEqualTables("s", "public.stormy");
        }
        assertNothingThrownAway("public.stormy");
    }

    /** Waits for a session other than {@code formerly} that waits for the given one; returns its process id. */
    private static String awaitBlockedBy(Session holder, String formerly) throws Exception {
        String sql = "SELECT pid FROM pg_stat_activity WHERE " + holder.backend()
                + " = ANY (pg_blocking_pids(pid)) AND application_name LIKE 'replicator slave s lane%'"
                + (formerly.isEmpty() ? "" : " AND pid <> " + formerly);
        try (Session observer = stage.slaveSession("s")) {
            Await.until("the lane waits for the session", PATIENCE, () -> observer.value(sql) != null);
            return observer.value(sql);
        }
    }

    private static void assertNothingThrownAway(String table) throws Exception {
        assertEquals("0", conflicts(table), "conflicts of " + table);
        assertEquals(
                "in-sync",
                tableOf(stage.status(), table).path("state").asText(),
                stage.status().toString());
    }

    private static String conflicts(String table) {
        try {
            return stage.slaveValue("s", "SELECT count(*) FROM replicator.conflict WHERE table_name = '" + table + "'");
        } catch (java.sql.SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static JsonNode tableOf(JsonNode status, String table) {
        return Stage.tableOf(status, "s", table);
    }
}
