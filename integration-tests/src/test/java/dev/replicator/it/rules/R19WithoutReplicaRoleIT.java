package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** R19: a role that may not set session_replication_role. What would act by itself is refused, the rest is in order. */
class R19WithoutReplicaRoleIT {
    private static final String SCHEMA =
            """
            CREATE TABLE parent (id int PRIMARY KEY, email text UNIQUE);
            CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
            CREATE TABLE audited (id int PRIMARY KEY, v int);
            INSERT INTO parent VALUES (1, 'a'), (2, 'b');
            INSERT INTO child VALUES (1, 1), (2, 1), (3, 2);
            INSERT INTO audited VALUES (1, 1);

            CREATE TABLE p (id int PRIMARY KEY);
            CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE);
            CREATE TABLE k (p int REFERENCES p ON DELETE CASCADE, v text);
            ALTER TABLE k REPLICA IDENTITY FULL;
            CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree);
            CREATE TABLE l (id int PRIMARY KEY, r int);
            CREATE TABLE r (id int PRIMARY KEY, l int REFERENCES l);
            ALTER TABLE l ADD FOREIGN KEY (r) REFERENCES r;
            CREATE TABLE spoiler (id int PRIMARY KEY);
            INSERT INTO p SELECT generate_series(1, 20);
            INSERT INTO c SELECT i, (i + 1) / 2 FROM generate_series(1, 40) i;
            INSERT INTO k SELECT (i + 1) / 2, 'same' FROM generate_series(1, 40) i;
            INSERT INTO tree SELECT i, nullif(i / 2, 0) FROM generate_series(1, 15) i;
            """;

    private static Stage stage;
    private static Session acting;
    private static Session plain;
    private static String role;

    @BeforeAll
    static void start() throws Exception {
        stage = Stage.open(SCHEMA).startMasterSide("public.*");
        role = stage.defineOrdinarySlave("acting", "", "public.parent", "public.child", "public.audited");
        acting = stage.slaveSession("acting")
                .run(
                        "CREATE TABLE parent (id int PRIMARY KEY, email text UNIQUE)",
                        "CREATE TABLE child (id int PRIMARY KEY,"
                                + " p int CONSTRAINT child_p REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE)",
                        "CREATE TABLE audited (id int PRIMARY KEY, v int)",
                        "GRANT SET ON PARAMETER session_replication_role TO " + role);
        stage.startSlave("acting");
        stage.defineOrdinarySlave(
                "plain",
                "",
                "public.p",
                "public.c",
                "public.k",
                "public.tree",
                "public.l",
                "public.r",
                "public.spoiler");
        plain = stage.slaveSession("plain")
                .run(
                        "CREATE TABLE p (id int PRIMARY KEY)",
                        "CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p)",
                        "CREATE TABLE k (p int REFERENCES p, v text)",
                        "CREATE TABLE tree (id int PRIMARY KEY, up int CONSTRAINT tree_up REFERENCES tree)",
                        "CREATE TABLE l (id int PRIMARY KEY, r int)",
                        "CREATE TABLE r (id int PRIMARY KEY, l int CONSTRAINT r_l REFERENCES l)",
                        "ALTER TABLE l ADD CONSTRAINT l_r FOREIGN KEY (r) REFERENCES r",
                        // Only the slave has it: TRUNCATE of p is forbidden there.
                        "CREATE TABLE outside (p int REFERENCES p)");
        stage.startSlave("plain");
        stage.awaitInSync("acting", 3);
        stage.awaitInSync("plain", 7);
    }

    @AfterAll
    static void stop() throws Exception {
        stage.close();
    }

    /** The right is taken away. A split of parent's update would take the children along; the trigger would count twice. */
    @Test
    void r19ShouldParkWhatWouldActASecondTime() throws Exception {
        stage.stopSlave("acting");
        acting.run(
                "REVOKE SET ON PARAMETER session_replication_role FROM " + role,
                "CREATE FUNCTION twice() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.v := NEW.v * 2; RETURN NEW; END'",
                "CREATE TRIGGER doubles BEFORE INSERT OR UPDATE ON audited FOR EACH ROW EXECUTE FUNCTION twice()");
        String statement = "GRANT SET ON PARAMETER session_replication_role TO \"" + role + "\";";
        String preflight = stage.preflightOfSlave("acting");
        assertTrue(
                preflight.contains(
                        "MISSING public.parent: Foreign key child_p of public.child would change rows by itself"
                                + " when public.parent is changed | " + statement),
                preflight);
        assertTrue(
                preflight.contains("MISSING public.audited: The role may not set session_replication_role, so trigger"
                        + " doubles of public.audited would act a second time | " + statement),
                preflight);

        stage.onMaster("UPDATE parent SET email = 'new' WHERE id = 1", "UPDATE audited SET v = 7");
        stage.startSlave("acting");

        String error = stage.awaitTableState("acting", "public.parent", "error")
                .path("error")
                .asText();
        assertTrue(error.contains("Foreign key child_p of public.child would change rows by itself"), error);
        assertTrue(error.contains(statement + " Then resume the table."), error);
        stage.awaitTableState("acting", "public.audited", "error");
        assertEquals("3 1", acting.value("SELECT (SELECT count(*) FROM child) || ' ' || v FROM audited"));

        // A parent goes with its children; on the slave nothing of the sort happens by itself either.
        stage.onMaster("DELETE FROM parent WHERE id = 2");
        acting.run(statement);
        stage.admin("slave", "resume", "acting").orThrow();
        for (String table : List.of("public.parent", "public.audited")) {
            stage.awaitTableState("acting", table, "in-sync");
        }
        stage.assertEqualTables("acting", "public.parent", "public.child", "public.audited");
        acting.run("DROP TRIGGER doubles ON audited");
    }

    /** A restore writes rows like any change does: a trigger would fire for each of them. */
    @Test
    void r19ShouldNotRestoreATableWhoseTriggerWouldFire() throws Exception {
        acting.run(
                "REVOKE SET ON PARAMETER session_replication_role FROM " + role,
                "CREATE TABLE fresh (id int PRIMARY KEY, v int)",
                "CREATE FUNCTION ten() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.v := 10; RETURN NEW; END'",
                "CREATE TRIGGER tens BEFORE INSERT ON fresh FOR EACH ROW EXECUTE FUNCTION ten()");
        stage.stopSlave("acting");
        stage.startSlave("acting");
        stage.onMaster("CREATE TABLE fresh (id int PRIMARY KEY, v int)", "INSERT INTO fresh VALUES (1, 1)");
        stage.cluster().grant("acting", List.of("public.parent", "public.child", "public.audited", "public.fresh"));
        stage.admin("reload").orThrow();

        String error = stage.awaitTableState("acting", "public.fresh", "error")
                .path("error")
                .asText();
        assertTrue(error.contains("trigger tens of public.fresh would act a second time"), error);
        assertEquals("0", acting.value("SELECT count(*) FROM fresh"));

        acting.run("DROP TRIGGER tens ON fresh", "GRANT SET ON PARAMETER session_replication_role TO " + role);
        stage.admin("slave", "resume", "acting", "--table", "public.fresh").orThrow();
        stage.awaitTableState("acting", "public.fresh", "in-sync");
        stage.assertEqualTables("acting", "public.fresh");
    }

    /**
     * The master's cascade writes the parent's delete before the children's. A conflict of another table makes the batch go
     * row by row: the slave's own foreign key then sees parent first, too.
     */
    @Test
    void r19ShouldReplayTheMastersCascadeRowByRow() throws Exception {
        int logged = stage.log().matching("cannot go on").size();
        plain.run("INSERT INTO spoiler VALUES (50)");
        stage.stopSlave("plain");
        stage.onMaster(
                "DELETE FROM p WHERE id IN (3, 4, 5)",
                "BEGIN; DELETE FROM p WHERE id = 6; INSERT INTO p VALUES (6); INSERT INTO c VALUES (100, 6); COMMIT",
                "DELETE FROM tree WHERE id > 3 AND id < 8 OR id > 7",
                "INSERT INTO tree VALUES (31, 30), (30, 1)",
                "INSERT INTO spoiler VALUES (50)",
                "INSERT INTO spoiler VALUES (51)",
                "DELETE FROM p WHERE id = 7");
        stage.startSlave("plain");

        stage.awaitTableState("plain", "public.spoiler", "error");
        plain.run("DELETE FROM spoiler WHERE id = 50");
        stage.admin("slave", "resume", "plain").orThrow();
        stage.awaitTableState("plain", "public.spoiler", "in-sync");
        stage.assertEqualTables("plain", "public.p", "public.c", "public.k", "public.tree", "public.spoiler");
        assertEquals(
                List.of(),
                stage.log().matching("cannot go on").stream()
                        .skip(logged)
                        .filter(line -> line.contains("lane main") && !line.contains("public.spoiler"))
                        .toList());
    }

    /** Neither child-to-parent nor parent-to-child exists: cycles go row by row, and preflight says how they need not. */
    @Test
    void r19ShouldApplyCyclesAndSelfReferences() throws Exception {
        String preflight = stage.preflightOfSlave("plain");
        assertTrue(
                preflight.contains(
                        "note public.tree: Table public.tree references itself by tree_up, which is checked at"
                                + " once"),
                preflight);
        assertTrue(
                preflight.contains(
                        "note public.r: Table public.r is in a cycle of foreign keys that are checked at once"
                                + " (r_l): its batches go row by row | ALTER TABLE \"public\".\"r\" ALTER CONSTRAINT \"r_l\""
                                + " DEFERRABLE;"),
                preflight);
        for (int round = 0; round < 3; round++) {
            stage.onMaster(
                    "BEGIN; INSERT INTO l VALUES (1, NULL); INSERT INTO r VALUES (1, 1); UPDATE l SET r = 1; COMMIT",
                    "BEGIN; UPDATE l SET r = NULL; DELETE FROM r; INSERT INTO r VALUES (2, 1); UPDATE l SET r = 2; COMMIT");
            stage.assertEqualTables("plain", "public.l", "public.r");
            stage.onMaster("BEGIN; UPDATE l SET r = NULL; DELETE FROM r; DELETE FROM l; COMMIT");
        }
        stage.assertEqualTables("plain", "public.l", "public.r");
    }

    /** Just the slave's own tables, never CASCADE; where a foreign key forbids TRUNCATE, DELETE. */
    @Test
    void r19ShouldEmptyATableThatAnotherReferences() throws Exception {
        stage.onMaster("TRUNCATE tree", "INSERT INTO tree VALUES (1, NULL)");
        stage.assertEqualTables("plain", "public.tree");
        plain.run("INSERT INTO outside SELECT max(id) FROM p");
        stage.onMaster("BEGIN; TRUNCATE p CASCADE; INSERT INTO p SELECT generate_series(1, 20); COMMIT");
        String error = stage.awaitTableState("plain", "public.p", "error")
                .path("error")
                .asText();
        assertTrue(error.contains("outside_p_fkey"), error);
        assertEquals("1", plain.value("SELECT count(*) FROM outside"));

        plain.run("DELETE FROM outside");
        stage.admin("slave", "resume", "plain").orThrow();
        for (String table : new String[] {"public.p", "public.c", "public.k"}) {
            stage.awaitTableState("plain", table, "in-sync");
        }
        stage.assertEqualTables("plain", "public.p", "public.c", "public.k");
    }
}
