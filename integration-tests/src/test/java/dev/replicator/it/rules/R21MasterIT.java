package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.embedded.StepGate;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** R21: what capture does on the master makes no statement of the application fail or hang. */
class R21MasterIT {
    private static Stage stage;

    @BeforeAll
    static void start() throws Exception {
        stage = Stage.open("CREATE TABLE first (id int PRIMARY KEY)");
        stage.startForwarder();
        stage.defineCapture("dumps: {lock-wait: 1s}\n", "public.*");
        stage.startCapture();
        stage.startSlave("s", "public.*", "public.loose");
        stage.awaitTableState("s", "public.first", "in-sync");
    }

    @AfterAll
    static void stop() throws Exception {
        stage.close();
    }

    private static void assertNotPublished(String table) throws Exception {
        assertEquals(
                "0", stage.masterValue("SELECT count(*) FROM pg_publication_tables WHERE tablename = '" + table + "'"));
    }

    private static String errorOf(String table, String part) {
        stage.waiting().until(table + " is refused: " + part, status -> stage.table("public." + table)
                .path("error")
                .asText()
                .contains(part));
        return stage.admin("tables").orThrow();
    }

    /** A published table without identity: the application's next UPDATE would fail. */
    @Test
    void r21ShouldNeverPublishATableWithoutIdentity() throws Exception {
        stage.onMaster("CREATE TABLE loose (v int)", "INSERT INTO loose VALUES (1)");
        String tables = errorOf("loose", "no usable replica identity");
        assertTrue(tables.contains("ALTER TABLE \"public\".\"loose\" ADD PRIMARY KEY"), tables);
        stage.onMaster("UPDATE loose SET v = 2");
        assertNotPublished("loose");
        // It joins as soon as it has one.
        stage.onMaster("ALTER TABLE loose ADD PRIMARY KEY (v)");
        stage.awaitRestored("s", "public.loose", 1);
    }

    /** The same when the key goes later: taken out at once, said to the operator, and back when there is a key again. */
    @Test
    void r21ShouldTakeOutATableThatLosesItsKey() throws Exception {
        stage.onMaster("CREATE TABLE losing (id int PRIMARY KEY, v int)", "INSERT INTO losing VALUES (1, 1)");
        stage.awaitRestored("s", "public.losing", 1);
        stage.onMaster("ALTER TABLE losing DROP CONSTRAINT losing_pkey");
        JsonNode table = stage.awaitTableState("s", "public.losing", "error");
        assertTrue(table.path("error").asText().contains("ADD PRIMARY KEY"), table.toString());
        String warned = stage.log().await("Table is no longer captured: no usable replica identity");
        assertTrue(warned.startsWith("WARN") && warned.contains("public.losing"), warned);
        assertNotPublished("losing");
        stage.onMaster("UPDATE losing SET v = 2", "ALTER TABLE losing ADD PRIMARY KEY (id)");
        stage.awaitRestored("s", "public.losing", 2);
    }

    /** A generated column is not in the stream: as part of the identity it would make UPDATE fail, too. */
    @Test
    void r21ShouldNotPublishATableWithAnUnpublishedColumnInItsIdentity() throws Exception {
        stage.onMaster(
                "CREATE TABLE made (id int, k int GENERATED ALWAYS AS (id * 2) STORED PRIMARY KEY, v int)",
                "INSERT INTO made VALUES (1, DEFAULT, 1)");
        errorOf("made", "a generated column, which the stream does not carry, is part of its replica identity");
        stage.onMaster("UPDATE made SET v = 2");
        assertNotPublished("made");
    }

    /** COPY holds ACCESS SHARE, an ALTER waits behind it, every new query behind the ALTER: the COPY gives way. */
    @Test
    void r21ShouldGiveWayToAnAlterThatWaitsForADump() throws Exception {
        try (StepGate gate = StepGate.hold("dump.table-locked")) {
            stage.onMaster("CREATE TABLE busy (id int PRIMARY KEY)", "INSERT INTO busy VALUES (1)");
            gate.awaitArrival();
            Future<?> alter = stage.session().start("ALTER TABLE busy ADD v int DEFAULT 3");
            // While the reader stands still.
            alter.get(60, TimeUnit.SECONDS);
            assertEquals("3", stage.masterValue("SELECT v FROM busy"));
        }
        String failed = stage.log().await("ms for an ACCESS EXCLUSIVE lock behind this read, so it was ended");
        assertTrue(failed.contains("reading table public.busy: server process"), failed);
        stage.awaitRestored("s", "public.busy", 1);
    }
}
