package dev.replicator.it.rules;

import static dev.replicator.it.rules.Texts.awaitContains;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** R09: what happens to a partition alone is in no stream of its root. */
class R09PartitionsIT {
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

    /**
     * A root with ten rows in each of two partitions, on the slave, too. Made at once: a root that joins before its partitions
     * and finds them with rows later is a new incarnation already.
     */
    private static String root(String name) throws Exception {
        stage.onMaster("BEGIN; CREATE TABLE " + name + " (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
                + " CREATE TABLE " + name + "_1 PARTITION OF " + name + " FOR VALUES FROM (0) TO (10);"
                + " CREATE TABLE " + name + "_2 PARTITION OF " + name + " FOR VALUES FROM (10) TO (20);"
                + " INSERT INTO " + name + " SELECT n, 'x' FROM generate_series(0, 19) n; COMMIT");
        stage.awaitRestored("s", "public." + name, 1);
        return "public." + name;
    }

    private static void assertNewIncarnation(String table, int incarnation, String why) throws Exception {
        stage.awaitIncarnation(table, incarnation);
        stage.awaitRestored("s", table, incarnation);
        assertTrue(
                stage.log().matching("Every copy of the table needs a new dump: " + why).stream()
                        .anyMatch(line -> line.contains(table)),
                () -> String.join("\n", stage.log().matching("needs a new dump")));
    }

    @Test
    void r09ShouldTakeANewDumpWhenAPartitionIsTruncated() throws Exception {
        String table = root("cut");
        stage.onMaster("TRUNCATE cut_1");
        assertNewIncarnation(table, 2, "a partition was truncated or rewritten on its own");
    }

    @Test
    void r09ShouldTakeANewDumpWhenAPartitionIsDropped() throws Exception {
        String table = root("month");
        stage.onMaster("DROP TABLE month_1");
        assertNewIncarnation(table, 2, "a partition was dropped or detached");
    }

    @Test
    void r09ShouldTakeANewDumpWhenAPartitionIsDetached() throws Exception {
        String table = root("aside");
        stage.onMaster("ALTER TABLE aside DETACH PARTITION aside_2", "UPDATE aside SET v = 'y'");
        assertNewIncarnation(table, 2, "a partition was dropped or detached");
    }

    @Test
    void r09ShouldTakeANewDumpWhenAPartitionIsAttachedWithRows() throws Exception {
        String table = root("more");
        // Another column order than the root's: the dump reads every leaf by the root's column list.
        stage.onMaster(
                "CREATE TABLE more_3 (v text, id int PRIMARY KEY)",
                "INSERT INTO more_3 VALUES ('z', 20), ('z', 21)",
                "ALTER TABLE more ATTACH PARTITION more_3 FOR VALUES FROM (20) TO (30)");
        assertNewIncarnation(table, 2, "a partition was attached with rows in it");
    }

    /** Tomorrow's partition is made empty every day; that must not cost a dump of all the others. */
    @Test
    void r09ShouldGoOnWithANewEmptyPartition() throws Exception {
        String table = root("daily");
        stage.onMaster("CREATE TABLE daily_3 PARTITION OF daily FOR VALUES FROM (20) TO (30)");
        // A dump is taken only after catalogue and records were compared: by then the partition was still empty.
        stage.admin("dump", "request", "--table", table, "--wait").orThrow();
        stage.onMaster("INSERT INTO daily VALUES (25, 'new')", "UPDATE daily SET v = 'newer' WHERE id = 25");
        stage.awaitIncarnation(table, 1);
        stage.awaitRestored("s", table, 1);
    }

    /** A TRUNCATE of the root is in the stream; no dump is needed for it. */
    @Test
    void r09ShouldGoOnWhenTheRootIsTruncated() throws Exception {
        String table = root("whole");
        stage.onMaster("TRUNCATE whole", "INSERT INTO whole VALUES (1, 'after')");
        stage.admin("dump", "request", "--table", table, "--wait").orThrow();
        assertEquals(1, stage.table(table).path("incarnation").asInt());
        stage.awaitRestored("s", table, 1);
    }

    /** The root's TRUNCATE explains the files of that moment, not what happens to a partition right behind it. */
    @Test
    void r09ShouldNotTakeTheRootsTruncateForThatOfAPartitionBehindIt() throws Exception {
        String table = root("pair");
        stage.onMaster("TRUNCATE pair", "INSERT INTO pair VALUES (1, 'lost'), (11, 'kept')", "TRUNCATE pair_1");
        assertNewIncarnation(table, 2, "a partition was truncated or rewritten on its own");
    }

    /** Full identity is not inherited: a published root without a key would make UPDATE fail on tomorrow's partition. */
    @Test
    void r09ShouldRefuseAPartitionedTableWithoutAKeyWhateverItsIdentity() throws Exception {
        stage.onMaster(
                "CREATE TABLE keyless (id int, v text) PARTITION BY RANGE (id)",
                "CREATE TABLE keyless_1 PARTITION OF keyless FOR VALUES FROM (0) TO (10)",
                "ALTER TABLE keyless REPLICA IDENTITY FULL",
                "ALTER TABLE keyless_1 REPLICA IDENTITY FULL");
        stage.waiting().until("keyless is refused", status -> stage.table("public.keyless")
                .path("error")
                .asText()
                .contains("ALTER TABLE \"public\".\"keyless\" ADD PRIMARY KEY"));
        awaitContains(
                () -> stage.admin("tables").orThrow(),
                "a partitioned table needs a primary key and the default replica identity",
                "ALTER TABLE \"public\".\"keyless\" ADD PRIMARY KEY");
        stage.onMaster(
                "CREATE TABLE keyless_2 PARTITION OF keyless FOR VALUES FROM (10) TO (20)",
                "INSERT INTO keyless VALUES (1, 'a'), (11, 'a')",
                "UPDATE keyless SET v = 'b'");
        assertEquals("2", stage.masterValue("SELECT count(*) FROM keyless WHERE v = 'b'"));
    }
}
