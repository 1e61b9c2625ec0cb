package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** R04: an update that is split into delete and insert loses nothing, and the target is asked which ones must be. */
class R04SplitUpdatesIT {
    private static final String SCHEMA =
            """
            CREATE TABLE w (id int PRIMARY KEY, big text, n int);
            ALTER TABLE w ALTER big SET STORAGE EXTERNAL;
            CREATE TABLE v (id int PRIMARY KEY, big text, n int);
            ALTER TABLE v ALTER big SET STORAGE EXTERNAL;
            CREATE TABLE u (id int PRIMARY KEY, email text UNIQUE, code int, during int4range,
                            EXCLUDE USING gist (during WITH &&));
            CREATE TABLE f (id int PRIMARY KEY, big text, n int);
            ALTER TABLE f ALTER big SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
            INSERT INTO w SELECT i, repeat(md5(i::text), 200), i FROM generate_series(1, 9) i;
            INSERT INTO v SELECT * FROM w;
            INSERT INTO f SELECT * FROM w;
            INSERT INTO u SELECT i, 'e' || i, i, int4range(i * 10, i * 10 + 10) FROM generate_series(1, 20) i;
            """;

    private static Stage stage;
    private static Session target;

    @BeforeAll
    static void start() throws Exception {
        stage = Stage.open(SCHEMA).startMasterSide("public.*");
        stage.startSlave("s", "public.*");
        stage.awaitInSync("s", 4);
        target = stage.slaveSession("s");
    }

    @AfterAll
    static void stop() throws Exception {
        stage.close();
    }

    /** The key changes, the TOASTed value is not sent, and the slave has a column of its own: both come through. */
    @Test
    void r04ShouldKeepUnsentValuesAndTheSlavesOwnColumnsWhenKeysChange() throws Exception {
        stage.stopSlave("s");
        // A column that only the slave has, without default and not null: an insert of what the stream carries would
        // fail.
        target.run(
                "ALTER TABLE w ADD COLUMN own text",
                "UPDATE w SET own = 'own' || id",
                "ALTER TABLE w ALTER own SET NOT NULL");
        stage.onMaster(
                "UPDATE w SET id = 20 WHERE id = 1",
                "UPDATE w SET id = 30, n = -1 WHERE id = 20", // 1 -> 20 -> 30
                "UPDATE w SET id = -1 WHERE id = 2",
                "UPDATE w SET id = 2 WHERE id = 3",
                "UPDATE w SET id = 3 WHERE id = -1", // 2 and 3 change places
                "UPDATE w SET n = 44 WHERE id = 4");
        stage.startSlave("s");
        stage.awaitApplied("s");

        String rows = "SELECT string_agg(ROW(id, md5(big), n)::text, ' ' ORDER BY id) FROM w";
        assertEquals(stage.masterValue(rows), target.value(rows));
        assertEquals(
                "2=own3 3=own2 4=own4 5=own5 6=own6 7=own7 8=own8 9=own9 30=own1",
                target.value("SELECT string_agg(id || '=' || own, ' ' ORDER BY id) FROM w"));
        assertFast("public.w");
    }

    /** The slave applied changes of v before; its owner adds a column now; the next change of a key must know. */
    @Test
    void r04ShouldKnowAColumnThatIsAddedWhileTheSlaveRuns() throws Exception {
        stage.onMaster("UPDATE v SET n = 0");
        stage.awaitApplied("s");
        target.run("ALTER TABLE v ADD COLUMN own text DEFAULT 'default'", "UPDATE v SET own = 'own' || id");
        stage.onMaster("UPDATE v SET id = id + 100 WHERE id <= 4");
        stage.awaitApplied("s");
        assertEquals(
                "5=own5 6=own6 7=own7 8=own8 9=own9 101=own1 102=own2 103=own3 104=own4",
                target.value("SELECT string_agg(id || '=' || own, ' ' ORDER BY id) FROM v"));
        assertEquals(
                stage.masterValue("SELECT md5(string_agg(id || big, '' ORDER BY id)) FROM v"),
                target.value("SELECT md5(string_agg(id || big, '' ORDER BY id)) FROM v"));
    }

    /** The identity is id: no old row comes with a change of email. The slave alone has keys over code and lower(email). */
    @Test
    void r04ShouldAskTheTargetWhichUpdatesChangeAUniqueKey() throws Exception {
        target.run(
                "CREATE UNIQUE INDEX ON u (lower(email))",
                "CREATE UNIQUE INDEX ON u ((code % 100)) WHERE id < 15",
                "ALTER TABLE u ADD COLUMN twice int GENERATED ALWAYS AS (code * 2) STORED UNIQUE");
        stage.stopSlave("s");
        stage.onMaster(
                "UPDATE u SET email = 'tmp' WHERE id = 1",
                "UPDATE u SET email = 'e1' WHERE id = 2",
                "UPDATE u SET email = 'e2' WHERE id = 1",
                "UPDATE u SET code = 1003 WHERE id = 4",
                "UPDATE u SET code = 4 WHERE id = 3",
                "UPDATE u SET code = 3 WHERE id = 4",
                "UPDATE u SET during = 'empty' WHERE id = 5",
                "UPDATE u SET during = '[50,70)' WHERE id = 6",
                "DELETE FROM u WHERE id = 7",
                "UPDATE u SET email = 'e7' WHERE id = 8",
                "INSERT INTO u VALUES (7, 'e8', 7, NULL)");
        stage.startSlave("s");
        stage.awaitApplied("s");
        String rows = "SELECT string_agg(ROW(id, email, code, during)::text, ' ' ORDER BY id) FROM u";
        assertEquals(stage.masterValue(rows), target.value(rows));
        assertFast("public.u");
    }

    /** Full identity: what is unchanged stands in the old image. */
    @Test
    void r04ShouldTakeUnsentValuesFromAFullOldImage() throws Exception {
        stage.stopSlave("s");
        stage.onMaster(
                "UPDATE f SET id = 20 WHERE id = 1",
                "UPDATE f SET id = 1 WHERE id = 2",
                "UPDATE f SET n = 0 WHERE id = 20",
                "DELETE FROM f WHERE id = 3");
        stage.startSlave("s");
        stage.assertEqualTables("s", "public.f");
        assertFast("public.f");
    }

    private static void assertFast(String table) {
        assertEquals(
                List.of(),
                stage.log().matching("replaying the batch row by row").stream()
                        .filter(line -> line.contains(table))
                        .toList());
    }
}
