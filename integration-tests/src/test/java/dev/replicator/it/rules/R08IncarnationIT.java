package dev.replicator.it.rules;

import static dev.replicator.it.rules.Texts.assertContains;
import static dev.replicator.it.rules.Texts.awaitContains;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.embedded.Await;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** R08: what changed a table's rows without a trace in the stream begins a new incarnation, old rows in service. */
class R08IncarnationIT {
    private static Stage stage;

    @BeforeAll
    static void start() throws Exception {
        stage = Stage.open("CREATE TABLE first (id int PRIMARY KEY)").startMasterSide("public.*");
        stage.startSlave("s", "public.*");
        stage.awaitTableState("s", "public.first", "in-sync");
    }

    @AfterAll
    static void stop() throws Exception {
        stage.close();
    }

    /** a) Narrowed at one seq, widened at another: what was written in between is in no stream, a cached dump is older. */
    @Test
    void r08ShouldTakeANewDumpOfATableThatWasNotCapturedForAWhile() throws Exception {
        stage.onMaster(
                "CREATE TABLE gap (id int PRIMARY KEY, v text)", "INSERT INTO gap VALUES (1, 'old'), (2, 'old')");
        stage.awaitRestored("s", "public.gap", 1);
        String cached = stage.table("public.gap").path("newestDump").path("id").asText();
        try (TableWatch reader = stage.watch("s", "gap", 2)) {
            stage.defineCapture("exclude: [public.gap]\n", "public.*");
            stage.capture().reload();
            JsonNode left = stage.awaitTableState("s", "public.gap", "error");
            String text = "no longer captured: `tables` of capture.yaml do not include it";
            assertEquals(text, left.path("error").asText());
            awaitContains(
                    () -> stage.admin("status").orThrow()
                            + stage.admin("tables").orThrow(),
                    "public.gap error",
                    text);
            stage.log().await("Table is no longer captured: it is not in tables:");
            stage.onMaster("UPDATE gap SET v = 'unseen' WHERE id = 1", "INSERT INTO gap VALUES (3, 'unseen')");
            stage.defineCapture("", "public.*");
            stage.awaitIncarnation("public.gap", 2);
            stage.onMaster("INSERT INTO gap VALUES (4, 'seen')");
            stage.awaitRestored("s", "public.gap", 2);
            awaitContains(() -> stage.admin("tables").orThrow(), "public.gap 2 s ");
            reader.assertServedAllAlong();
        }
        assertFalse(stage.admin("dump", "list").orThrow().contains(cached), "the dump from before is gone");
        // A slave that comes now gets all of it, too.
        stage.startSlave("gap", "public.gap");
        stage.awaitRestored("gap", "public.gap", 2);
    }

    /** a) A DBA takes the table out of the publication; capture puts it back in step with its tables:. */
    @Test
    void r08ShouldTakeANewDumpOfATableThatSomebodyTookOutOfThePublication() throws Exception {
        stage.onMaster("CREATE TABLE taken (id int PRIMARY KEY)", "INSERT INTO taken VALUES (1)");
        stage.awaitRestored("s", "public.taken", 1);
        try (TableWatch reader = stage.watch("s", "taken", 1)) {
            // Back again before anybody can look: only the row in pg_publication_rel is another one.
            stage.onMaster(
                    "BEGIN; ALTER PUBLICATION replicator_shop DROP TABLE taken; INSERT INTO taken VALUES (2);"
                            + " ALTER PUBLICATION replicator_shop ADD TABLE taken; COMMIT",
                    "INSERT INTO taken VALUES (3)");
            stage.awaitRestored("s", "public.taken", 2);
            stage.onMaster("ALTER PUBLICATION replicator_shop DROP TABLE taken", "INSERT INTO taken VALUES (4)");
            stage.awaitIncarnation("public.taken", 3);
            stage.onMaster("INSERT INTO taken VALUES (5)");
            stage.awaitRestored("s", "public.taken", 3);
            reader.assertServedAllAlong();
        }
    }

    /** c) Rewritten rows leave no event: old rows plus replay would be old values. */
    @Test
    void r08ShouldTakeANewDumpOfATableThatAnAlterRewrote() throws Exception {
        stage.onMaster("CREATE TABLE twice (id int PRIMARY KEY, v int)", "INSERT INTO twice VALUES (1, 10), (2, 20)");
        stage.awaitRestored("s", "public.twice", 1);
        try (TableWatch reader = stage.watch("s", "twice", 2)) {
            stage.onMaster("ALTER TABLE twice ALTER v TYPE int USING v * 2");
            stage.awaitIncarnation("public.twice", 2);
            stage.awaitRestored("s", "public.twice", 2);
            reader.assertServedAllAlong();
        }
        stage.log().await("Every copy of the table needs a new dump: ALTER TABLE has rewritten its rows");
    }

    /** c) A volatile default gives each old row a value of its own; the statement in the hint cannot. */
    @Test
    void r08ShouldTakeTheMastersValuesOfAColumnWithAVolatileDefault() throws Exception {
        stage.onMaster("CREATE TABLE dice (id int PRIMARY KEY)", "INSERT INTO dice SELECT generate_series(1, 50)");
        stage.awaitRestored("s", "public.dice", 1);
        try (TableWatch reader = stage.watch("s", "dice", 50)) {
            stage.onMaster("ALTER TABLE dice ADD r float8 DEFAULT random()", "INSERT INTO dice VALUES (51)");
            JsonNode table = stage.awaitTableState("s", "public.dice", "error");
            String error = table.path("error").asText();
            assertTrue(error.contains("ALTER TABLE \"public\".\"dice\" ADD COLUMN \"r\" double precision"), error);
            stage.onSlave("s", "ALTER TABLE dice ADD r float8");
            stage.admin("slave", "resume", "s", "--table", "public.dice").orThrow();
            stage.awaitRestored("s", "public.dice", 2);
            reader.assertServedAllAlong();
        }
    }

    /** d) Another table under the same name: the old one's rows must go, not stay beside the new ones. */
    @Test
    void r08ShouldReplaceTheRowsOfATableThatWasDroppedAndCreatedAgain() throws Exception {
        stage.onMaster("CREATE TABLE again (id int PRIMARY KEY)", "INSERT INTO again VALUES (1), (2)");
        stage.awaitRestored("s", "public.again", 1);
        try (TableWatch reader = stage.watch("s", "again", 2)) {
            stage.onMaster(
                    "DROP TABLE again",
                    "CREATE TABLE again (id int PRIMARY KEY)",
                    "INSERT INTO again VALUES (3), (4), (5)");
            stage.awaitRestored("s", "public.again", 2);
            stage.onMaster("INSERT INTO again VALUES (6)");
            stage.awaitEqual("s", "public.again");
            reader.assertServedAllAlong();
        }
    }

    /** d) Renamed, and another table takes the name: a granted name must not show the history of either. */
    @Test
    void r08ShouldGiveEachNameTheRowsOfTheTableThatBearsItNow() throws Exception {
        stage.onMaster(
                "CREATE TABLE live (id int PRIMARY KEY)",
                "INSERT INTO live VALUES (1), (2)",
                "CREATE TABLE staged (id int PRIMARY KEY)",
                "INSERT INTO staged VALUES (11), (12), (13)");
        stage.startSlave("named", "public.live");
        stage.awaitRestored("named", "public.live", 1);
        stage.awaitRestored("s", "public.live", 1);
        stage.awaitRestored("s", "public.staged", 1);
        try (TableWatch reader = stage.watch("named", "live", 2)) {
            stage.onMaster(
                    "BEGIN; ALTER TABLE live RENAME TO retired; ALTER TABLE staged RENAME TO live; COMMIT",
                    "INSERT INTO live VALUES (14)",
                    "INSERT INTO retired VALUES (3)");
            stage.awaitRestored("named", "public.live", 2);
            stage.awaitRestored("s", "public.live", 2);
            stage.awaitTableState("s", "public.retired", "in-sync");
            stage.awaitEqual("s", "public.live");
            stage.awaitEqual("s", "public.retired");
            reader.assertServedAllAlong();
        }
    }

    /** Two SCHEMA records of one name at one position: whoever begins there meets the dropped bearer again, too. */
    @Test
    void r08ShouldNotFollowANameBackAndForth() throws Exception {
        stage.onMaster("CREATE TABLE flip (id int PRIMARY KEY)", "INSERT INTO flip VALUES (1), (2)");
        stage.startSlave("flipped", "public.flip");
        stage.awaitRestored("flipped", "public.flip", 1);
        stage.awaitRestored("s", "public.flip", 1);
        // From here on to the INSERT no transaction has a number.
        stage.onMaster("ALTER TABLE flip ADD CHECK (id > 0)");
        Await.until(
                "flip is on record once more",
                Duration.ofSeconds(60),
                () -> stage.table("public.flip").path("newestDump").path("id").isMissingNode());
        stage.onMaster("BEGIN; DROP TABLE flip; CREATE TABLE flip (id int PRIMARY KEY); COMMIT");
        stage.awaitRestored("flipped", "public.flip", 2);
        stage.onMaster("INSERT INTO flip VALUES (14)");
        stage.awaitEqual("flipped", "public.flip");
        stage.awaitRestored("s", "public.flip", 2);
    }

    /** What only moves rows about is no new incarnation: nobody restores gigabytes after a maintenance window. */
    @Test
    void r08ShouldNotBeginAnIncarnationForMaintenance() throws Exception {
        stage.onMaster("CREATE TABLE kept (id int PRIMARY KEY, v text)", "INSERT INTO kept VALUES (1, 'a')");
        stage.awaitRestored("s", "public.kept", 1);
        stage.onMaster(
                "VACUUM FULL kept",
                "CLUSTER kept USING kept_pkey",
                "REINDEX TABLE kept",
                "VACUUM FREEZE kept",
                "ANALYZE kept");
        // A dump is taken only after catalogue and records were compared.
        stage.admin("dump", "request", "--table", "public.kept", "--wait").orThrow();
        assertEquals(1, stage.table("public.kept").path("incarnation").asInt());
        assertTrue(stage.log().matching("needs a new dump").stream().noneMatch(line -> line.contains("public.kept")));
    }

    /** Any other column retires the cached dumps: who comes now gets the table as it is now. */
    @Test
    void r08ShouldNotServeADumpWithOtherColumns() throws Exception {
        stage.onMaster("CREATE TABLE wide (id int PRIMARY KEY)", "INSERT INTO wide VALUES (1)");
        stage.awaitRestored("s", "public.wide", 1);
        stage.onMaster("ALTER TABLE wide ADD note text DEFAULT 'none'");
        stage.capture().reload();
        stage.log().await("Dump retired: the table's columns changed");
        stage.startSlave("wide", "public.wide");
        stage.awaitRestored("wide", "public.wide", 1);
    }

    /** What a dump says of its columns beyond the stream's terms goes with it, too: here that nulls are not allowed. */
    @Test
    void r08ShouldNotServeADumpWhoseColumnsRefuseWhatTheMasterNowTakes() throws Exception {
        stage.onMaster("CREATE TABLE strict (id int PRIMARY KEY, v int NOT NULL)", "INSERT INTO strict VALUES (1, 1)");
        stage.awaitRestored("s", "public.strict", 1);
        stage.onSlave("s", "ALTER TABLE strict ALTER v DROP NOT NULL");
        stage.onMaster("ALTER TABLE strict ALTER v DROP NOT NULL", "INSERT INTO strict VALUES (2, NULL)");
        stage.awaitEqual("s", "public.strict");
        stage.startSlave("strict", "public.strict");
        stage.awaitRestored("strict", "public.strict", 1);
    }

    /** The stream shows nothing of either; a copy made from the cached dump would refuse the new rows. */
    @Test
    void r08ShouldNotServeADumpWhoseConstraintsTheMasterHasDropped() throws Exception {
        stage.onMaster(
                "CREATE TABLE checked (id int PRIMARY KEY, v int CONSTRAINT positive CHECK (v > 0))",
                "CREATE TABLE single (id int PRIMARY KEY, v int CONSTRAINT once UNIQUE)",
                "INSERT INTO checked VALUES (1, 1)",
                "INSERT INTO single VALUES (1, 1)");
        stage.awaitRestored("s", "public.checked", 1);
        stage.awaitRestored("s", "public.single", 1);
        String[] drops = {"ALTER TABLE checked DROP CONSTRAINT positive", "ALTER TABLE single DROP CONSTRAINT once"};
        stage.onSlave("s", drops);
        stage.onMaster(drops);
        stage.onMaster("INSERT INTO checked VALUES (2, -1)", "INSERT INTO single VALUES (2, 1)");
        stage.awaitEqual("s", "public.checked");
        stage.awaitEqual("s", "public.single");
        stage.startSlave("looser", "public.checked", "public.single");
        stage.awaitRestored("looser", "public.checked", 1);
        stage.awaitRestored("looser", "public.single", 1);
    }

    /** The statement in the hint gives rows that exist the value that the master's old rows have. */
    @Test
    void r08ShouldTellTheStatementThatGivesOldRowsTheMastersValue() throws Exception {
        stage.onMaster("CREATE TABLE hint (id int PRIMARY KEY)", "INSERT INTO hint VALUES (1), (2)");
        stage.awaitRestored("s", "public.hint", 1);
        stage.onMaster(
                "ALTER TABLE hint ADD five int NOT NULL DEFAULT 5, ADD day date DEFAULT '2026-11-21'",
                "ALTER TABLE hint ALTER five SET DEFAULT 7",
                "INSERT INTO hint VALUES (3, 6, NULL)");
        JsonNode table = stage.awaitTableState("s", "public.hint", "error");
        String error = table.path("error").asText();
        String statement = error.replaceFirst("(?s).*(ALTER TABLE .*?)(;.*|$)", "$1");
        assertTrue(statement.startsWith("ALTER TABLE"), error);
        stage.onSlave("s", statement);
        stage.admin("slave", "resume", "s", "--table", "public.hint").orThrow();
        stage.awaitRestored("s", "public.hint", 1);
    }

    /** A table that an operator parked, or that failed, gets the new incarnation's dump by itself. */
    @Test
    void r08ShouldMendAParkedTableByTheDumpOfItsNewIncarnation() throws Exception {
        stage.onMaster("CREATE TABLE stuck (id int PRIMARY KEY, v int)", "INSERT INTO stuck VALUES (1, 1)");
        stage.awaitRestored("s", "public.stuck", 1);
        stage.onSlave("s", "INSERT INTO stuck VALUES (2, 0)");
        stage.onMaster("INSERT INTO stuck VALUES (2, 2)");
        stage.awaitTableState("s", "public.stuck", "error");
        stage.onMaster("ALTER TABLE stuck ALTER v TYPE int USING v * 100");
        stage.awaitIncarnation("public.stuck", 2);
        stage.awaitRestored("s", "public.stuck", 2);
    }

    /** A table that the master no longer has is not said to be in sync; its rows stay. */
    @Test
    void r08ShouldSayThatATableIsGoneFromTheMaster() throws Exception {
        stage.onMaster("CREATE TABLE gone (id int PRIMARY KEY)", "INSERT INTO gone VALUES (1)");
        stage.awaitRestored("s", "public.gone", 1);
        stage.onMaster("DROP TABLE gone");
        JsonNode table = stage.awaitTableState("s", "public.gone", "error");
        String text = "no longer captured: the master has no such table, capture's `tables` do not include it";
        assertContains(table.path("error").asText(), text);
        awaitContains(() -> stage.admin("status").orThrow(), "public.gone error", text);
        assertEquals("1", stage.slaveValue("s", "SELECT count(*) FROM gone"));
    }
}
