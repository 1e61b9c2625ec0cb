package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.embedded.Await;
import dev.replicator.embedded.StepGate;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * R11: how a table's own lane meets the main lane. The tables have no key, so that a row applied twice stands there twice
 * and one left out is missing.
 */
class R11LanesIT {
    private static final String TABLES =
            """
            CREATE TABLE NAME_first (v int);
            CREATE TABLE NAME_t (v int);
            ALTER TABLE NAME_first REPLICA IDENTITY FULL;
            ALTER TABLE NAME_t REPLICA IDENTITY FULL;
            INSERT INTO NAME_t SELECT -i FROM generate_series(1, 100) i;
            """;
    private static Stage stage;

    @BeforeAll
    static void open() throws Exception {
        StringBuilder schema = new StringBuilder();
        for (String slave : List.of("a", "b", "c", "d")) {
            schema.append(TABLES.replace("NAME", slave));
        }
        stage = Stage.open(schema.toString()).startMasterSide("public.*");
    }

    @AfterAll
    static void close() throws Exception {
        stage.close();
    }

    /** Transactions that write to both tables of a slave. */
    private static void write(String slave, int from, int to) throws Exception {
        for (int i = from; i <= to; i++) {
            stage.onMaster(
                    "SET synchronous_commit = local",
                    "BEGIN",
                    "INSERT INTO " + slave + "_first VALUES (" + i + ")",
                    "INSERT INTO " + slave + "_t VALUES (" + i + ")",
                    "COMMIT");
        }
    }

    private static void grant(String slave, String... tables) throws Exception {
        stage.cluster().grant(slave, List.of(tables));
        stage.admin("reload").orThrow();
    }

    private static void grantBoth(String slave) throws Exception {
        grant(slave, "public." + slave + "_first", "public." + slave + "_t");
    }

    private static void startWithFirst(String slave) throws Exception {
        stage.startSlave(slave, "public." + slave + "_first");
        stage.awaitInSync(slave, 1);
    }

    private static void assertBothEqual(String slave) throws Exception {
        stage.awaitInSync(slave, 2);
        stage.assertEqualTables(slave, "public." + slave + "_first", "public." + slave + "_t");
    }

    private static long number(String slave, String sql) throws Exception {
        return Long.parseLong(stage.slaveValue(slave, sql));
    }

    /**
     * The main lane stands at P = 500, waiting for a reader's lock. T's dump has base 902, does not see 903 and sees 905.
     * T's lane applies 903 and not 905, and waits for the main lane; 906 to 925 are written and sent to the main lane without
     * T's rows. The main lane goes on, stops where T's lane stands, takes T in and subscribes anew: nothing of T twice,
     * nothing left out.
     */
    @Test
    void r11ShouldApplyExactlyWhatTheDumpDidNotSeeWhileTheMainLaneLagsBehind() throws Exception {
        startWithFirst("a");
        Session reader = stage.slaveSession("a");
        Future<?> invisible;
        try (StepGate loaded = StepGate.hold("restore.lane-written");
                StepGate offered = StepGate.holdFirst("lane.join-offered")) {
            try (StepGate looks = StepGate.hold("slave.looks")) {
                looks.awaitArrival();
                grantBoth("a");
                stage.awaitSlaveValue("a", "SELECT 1 FROM replicator.table_state WHERE table_name = 'public.a_t'");
                reader.run("BEGIN", "LOCK TABLE a_first IN SHARE MODE");
                write("a", 1, 20);
                stage.holdCommits();
                invisible = stage.session().start("INSERT INTO a_t VALUES (903)");
                String xid = awaitInvisibleCommit();
                stage.onMaster("SET synchronous_commit = local", "INSERT INTO a_t VALUES (905)");
                looks.release();
                loaded.awaitArrival();
                assertEquals(
                        "t",
                        stage.slaveValue(
                                "a", "SELECT boundary->'inProgress' @> '[" + xid + "]' FROM replicator.restore"),
                        "the dump did not see the transaction that is in the queue");
            }
            assertTrue(
                    number("a", "SELECT since FROM replicator.restore")
                            > number("a", "SELECT seq FROM replicator.progress"),
                    "the main lane lags behind the dump's base");
            loaded.release();
            offered.awaitArrival();
            write("a", 906, 925);
        }
        String blocker = "pid " + reader.backend();
        JsonNode waiting = stage.waiting()
                .until("status names the reader", status -> Stage.tableOf(status, "a", "public.a_first")
                        .path("blockedBy")
                        .asText()
                        .equals(blocker));
        assertEquals(
                "catching-up",
                Stage.tableOf(waiting, "a", "public.a_t").path("state").asText());
        assertEquals(
                "restore-2",
                Stage.tableOf(waiting, "a", "public.a_t").path("lane").asText());
        stage.releaseCommits();
        invisible.get(60, TimeUnit.SECONDS);
        reader.run("COMMIT");
        assertBothEqual("a");
    }

    /** Full id of the transaction that waits for the standby that never answers. */
    private static String awaitInvisibleCommit() throws Exception {
        String sql = "SELECT backend_xid FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        Await.until("a commit waits", Duration.ofSeconds(60), () -> stage.masterValue(sql) != null);
        return stage.masterValue(sql);
    }

    /**
     * T's lane stands at 920 and is about to say so; the main lane goes on to 950. Handed over without comparing, 921 to 950
     * of T would be left out. T's lane has to catch up first.
     */
    @Test
    void r11ShouldNotHandOverALaneThatStandsBehindTheMainLane() throws Exception {
        startWithFirst("b");
        try (StepGate ready = StepGate.holdFirst("lane.join-ready")) {
            grantBoth("b");
            ready.awaitArrival();
            write("b", 1, 30);
            stage.awaitSlaveValue("b", "SELECT 1 FROM b_first HAVING count(*) = 30");
            assertTrue(
                    number("b", "SELECT seq FROM replicator.lane") < number("b", "SELECT seq FROM replicator.progress"),
                    "the side lane is behind");
        }
        write("b", 31, 40);
        assertBothEqual("b");
    }

    /**
     * While the slave is away T leaves its set and comes back. The transactions between were never sent with T's rows, so T
     * begins with a dump.
     */
    @Test
    void r11ShouldBeginWithADumpWhenATableLeftAndCameBackWhileTheSlaveWasAway() throws Exception {
        startWithFirst("c");
        grantBoth("c");
        assertBothEqual("c");
        stage.stopSlave("c");
        write("c", 1, 10);
        grant("c", "public.c_first");
        write("c", 11, 20);
        grantBoth("c");
        write("c", 21, 30);
        stage.startSlave("c");
        Await.until(
                "another restore",
                Duration.ofSeconds(60),
                () -> stage.log().matching("restoring public.c_t from dump").size() == 2);
        assertBothEqual("c");
    }

    /** The same while the slave is connected, crashing before it has stored that T left. */
    @Test
    void r11ShouldBeginWithADumpWhenTheSlaveCrashesWhileATableLeaves() throws Exception {
        startWithFirst("d");
        grantBoth("d");
        assertBothEqual("d");
        String sinceBefore =
                stage.slaveValue("d", "SELECT since FROM replicator.table_state WHERE table_name = 'public.d_t'");
        try (StepGate crash =
                StepGate.fail("lane.table-set-written", () -> new IllegalStateException("a crash made by the test"))) {
            grant("d", "public.d_first");
            crash.awaitArrival();
            write("d", 11, 20);
            grantBoth("d");
            write("d", 21, 30);
        }
        stage.stopSlave("d");
        stage.startSlave("d");
        assertBothEqual("d");
        assertTrue(
                number("d", "SELECT since FROM replicator.table_state WHERE table_name = 'public.d_t'")
                        >= Long.parseLong(sinceBefore) + 10,
                "it came back by a dump");
    }
}
