package dev.replicator.slave.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.TableName;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Rules R18 and R19: deferrable constraints, foreign keys, TRUNCATE. */
class ConstraintsIT {
    private static final TableName T = new TableName("s", "t");

    @Test
    void r18ShouldFindDuplicateThatReplicaRoleDoesNotCheck() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.t (id int PRIMARY KEY DEFERRABLE, v int)");
            fixture.track("t", 'i', "id");
            fixture.sql("INSERT INTO s.t VALUES (1, 1)");
            fixture.sql("INSERT INTO m.t VALUES (1, 2), (2, 2)");
            List<CapturedMaster.Captured> changes = fixture.master.drain();

            BatchConflictException conflict = assertThrows(BatchConflictException.class, () -> fixture.fast(changes));
            assertEquals(Set.of(T), conflict.tables());
            fixture.session.rollback();
            List<Conflict> conflicts = fixture.careful(changes, ConflictPolicy.STOP);
            fixture.session.rollback();

            assertEquals(1, conflicts.size());
            assertEquals(T, conflicts.get(0).table());
            assertEquals(Conflict.Kind.UNIQUE, conflicts.get(0).kind());
        }
    }

    @Test
    void r18ShouldFindDeferredViolationsBeforeCommit() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.ordinary()) {
            fixture.ddl("CREATE TABLE %s.t (id int PRIMARY KEY, v int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
            fixture.track("t", 'd');
            fixture.sql("INSERT INTO s.t VALUES (7, 1)");
            fixture.sql("INSERT INTO m.t VALUES (1, 1)");
            List<CapturedMaster.Captured> changes = fixture.master.drain();

            BatchConflictException conflict = assertThrows(BatchConflictException.class, () -> fixture.fast(changes));
            assertEquals(Set.of(T), conflict.tables());
            fixture.session.rollback();
            assertEquals(T, fixture.careful(changes, ConflictPolicy.STOP).get(0).table());
        }
    }

    @Test
    void r18ShouldNameAWrittenTableWhenTheChildWasNotWritten() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.ordinary()) {
            fixture.ddl("CREATE TABLE %s.t (id int PRIMARY KEY)");
            fixture.track("t", 'd');
            fixture.sql("INSERT INTO m.t VALUES (1)");
            fixture.apply();
            fixture.sql("CREATE TABLE s.outside (t int REFERENCES s.t DEFERRABLE); INSERT INTO s.outside VALUES (1)");
            fixture.sql("DELETE FROM m.t");
            List<CapturedMaster.Captured> changes = fixture.master.drain();
            assertThrows(BatchConflictException.class, () -> fixture.fast(changes));
            fixture.session.rollback();
            List<Conflict> conflicts = fixture.careful(changes, ConflictPolicy.STOP);
            assertEquals(T, conflicts.get(0).table());
            assertEquals(Conflict.Kind.FOREIGN_KEY, conflicts.get(0).kind());
        }
    }

    @Test
    void r18ShouldSwapUnderDeferrableKeyInBothRoles() throws Exception {
        for (boolean replica : new boolean[] {true, false}) {
            try (ApplyFixture fixture = replica ? ApplyFixture.replica() : ApplyFixture.ordinary()) {
                // PostgreSQL takes no deferrable key as replica identity: such a table has full identity
                fixture.ddl("CREATE TABLE %s.t (id int PRIMARY KEY DEFERRABLE, v int UNIQUE DEFERRABLE)");
                fixture.track("t", 'f');
                fixture.sql("INSERT INTO m.t SELECT i, i FROM generate_series(1, 9) i");
                fixture.apply();
                fixture.sql("UPDATE m.t SET id = 10 - id; UPDATE m.t SET v = v + 1");
                fixture.apply();
                fixture.assertFastAndSame();
                fixture.sql("UPDATE m.t SET id = 10 - id; UPDATE m.t SET v = 12 - v");
                assertEquals(List.of(), fixture.careful(fixture.master.drain(), ConflictPolicy.STOP));
                fixture.session.commit();
                fixture.assertSame();
            }
        }
    }

    @Test
    void r18ShouldSwapDeferrableColumnInPieces() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.options(new ApplyOptions(500, 100));
            fixture.ddl("CREATE TABLE %s.t (id int PRIMARY KEY, v int UNIQUE DEFERRABLE)");
            fixture.track("t", 'd');
            fixture.sql("INSERT INTO m.t SELECT i, i FROM generate_series(1, 99) i; UPDATE m.t SET v = 100 - v");
            fixture.apply();
            fixture.assertFastAndSame();
            assertTrue(fixture.stats().pieces() > 5);
        }
    }

    @Test
    void r18ShouldApplyOnlyTheTableThatFellBackOneByOne() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.ordinary()) {
            fixture.ddl("CREATE TABLE %s.parent (id int PRIMARY KEY);"
                    + "CREATE TABLE %s.t (id int PRIMARY KEY, p int REFERENCES %s.parent);"
                    + "CREATE TABLE %s.other (id int PRIMARY KEY, v int)");
            fixture.track("parent", 'd');
            fixture.track("t", 'd');
            fixture.track("other", 'd');
            fixture.sql(
                    "INSERT INTO m.parent VALUES (1); INSERT INTO m.t VALUES (1, 1); INSERT INTO m.other VALUES (1, 1)");
            fixture.apply();

            // updates come before inserts on the fast path, and the foreign key is live
            fixture.sql("INSERT INTO m.parent VALUES (2); UPDATE m.t SET p = 2; UPDATE m.other SET v = 2");
            fixture.apply();
            assertEquals(Set.of(T), fixture.fellBack());
            assertTrue(fixture.memory.slow(T));
            fixture.assertSame();

            fixture.sql(
                    "INSERT INTO m.parent VALUES (3); UPDATE m.t SET p = 3; UPDATE m.other SET v = 3; UPDATE m.other SET v = 4");
            fixture.apply();
            fixture.assertFastAndSame();
            assertEquals(2, fixture.stats().updated(), "t one by one, other netted");
        }
    }

    @Test
    void r19ShouldEmptyTablesAlone() throws Exception {
        for (boolean replica : new boolean[] {true, false}) {
            try (ApplyFixture fixture = replica ? ApplyFixture.replica() : ApplyFixture.ordinary()) {
                fixture.ddl(
                        "CREATE TABLE %s.p (id int PRIMARY KEY); CREATE TABLE %s.c (id int PRIMARY KEY, p int REFERENCES %s.p);"
                                + "CREATE TABLE %s.t (id int PRIMARY KEY); "
                                + "CREATE TABLE %s.self (id int PRIMARY KEY, up int REFERENCES %s.self)");
                for (String table : List.of("p", "c", "t", "self")) {
                    fixture.track(table, 'd');
                }
                // a reference only the slave has: TRUNCATE of t is forbidden there
                fixture.sql("CREATE TABLE s.outside (t int REFERENCES s.t)");
                fixture.sql("INSERT INTO m.p VALUES (1); INSERT INTO m.c VALUES (1, 1); INSERT INTO m.t VALUES (1);"
                        + "INSERT INTO m.self VALUES (1, 1)");
                fixture.apply();

                fixture.sql("INSERT INTO m.t VALUES (2); TRUNCATE m.p, m.c, m.t; TRUNCATE m.self;"
                        + "INSERT INTO m.p VALUES (5); INSERT INTO m.t VALUES (2)");
                List<CapturedMaster.Captured> changes = fixture.master.drain();
                fixture.apply(changes);
                fixture.assertFastAndSame();

                fixture.sql("TRUNCATE m.p, m.c");
                assertEquals(List.of(), fixture.careful(fixture.master.drain(), ConflictPolicy.STOP));
                fixture.session.commit();
                fixture.assertSame();
            }
        }
    }

    @Test
    void r19ShouldOrderParentsAndChildrenWithLiveForeignKeys() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.ordinary()) {
            fixture.ddl("CREATE TABLE %s.b_parent (id int PRIMARY KEY);"
                    + "CREATE TABLE %s.a_child (id int PRIMARY KEY, p int REFERENCES %s.b_parent)");
            fixture.track("a_child", 'd');
            fixture.track("b_parent", 'd');
            fixture.sql("INSERT INTO m.b_parent SELECT generate_series(1, 150); "
                    + "INSERT INTO m.a_child SELECT i, i FROM generate_series(1, 150) i");
            fixture.apply();
            fixture.assertFastAndSame();
            fixture.sql("DELETE FROM m.a_child WHERE p > 100; DELETE FROM m.b_parent WHERE id > 100;"
                    + "INSERT INTO m.b_parent VALUES (500); INSERT INTO m.a_child VALUES (500, 500)");
            fixture.apply();
            fixture.assertFastAndSame();
        }
    }

    @Test
    void r19ShouldApplyCyclesAndSelfReferences() throws Exception {
        for (boolean replica : new boolean[] {true, false}) {
            try (ApplyFixture fixture = replica ? ApplyFixture.replica() : ApplyFixture.ordinary()) {
                fixture.ddl(
                        "CREATE TABLE %s.a (id int PRIMARY KEY, b int); CREATE TABLE %s.b (id int PRIMARY KEY, a int REFERENCES %s.a);"
                                + "ALTER TABLE %s.a ADD FOREIGN KEY (b) REFERENCES %s.b; "
                                + "CREATE TABLE %s.tree (id int PRIMARY KEY, up int REFERENCES %s.tree)");
                for (String table : List.of("a", "b", "tree")) {
                    fixture.track(table, 'd');
                }
                for (int batch = 0; batch < 3; batch++) {
                    fixture.sql(
                            "INSERT INTO m.a VALUES (1, NULL); INSERT INTO m.b VALUES (1, 1); UPDATE m.a SET b = 1");
                    fixture.apply();
                    fixture.assertSame();
                    assertEquals(replica || batch > 0, fixture.fellBack().isEmpty(), "only the first batch falls back");
                    fixture.sql("UPDATE m.a SET b = NULL; DELETE FROM m.b; DELETE FROM m.a");
                    fixture.apply();
                    fixture.sql("INSERT INTO m.tree SELECT i, nullif(i - 1, 0) FROM generate_series(1, 20) i");
                    fixture.apply();
                    fixture.assertFastAndSame();
                    fixture.sql("DELETE FROM m.tree");
                    fixture.apply();
                    fixture.assertFastAndSame();
                }
            }
        }
    }

    @Test
    void r19ShouldReportWhatWouldActTwice() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.ordinary()) {
            fixture.sql("CREATE TABLE s.parent (id int PRIMARY KEY); CREATE TABLE s.child (id int PRIMARY KEY,"
                    + " p int REFERENCES s.parent ON DELETE SET NULL, w int);"
                    + "CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
                    + "CREATE TRIGGER tr BEFORE INSERT ON s.child FOR EACH ROW EXECUTE FUNCTION s.f();"
                    + "ALTER TABLE s.child ENABLE ROW LEVEL SECURITY; REVOKE DELETE ON s.child FROM applier");

            List<TargetPreflight.Finding> parent =
                    TargetPreflight.check(fixture.target("parent"), List.of("id"), false, "applier", 18);
            assertEquals(1, parent.size());
            assertTrue(parent.get(0).blocking());
            assertEquals(
                    "GRANT SET ON PARAMETER session_replication_role TO \"applier\";",
                    parent.get(0).fix());

            TableException parked = assertThrows(
                    TableException.class, () -> TargetPreflight.require(fixture.session, fixture.target("parent")));
            assertTrue(parked.hint().startsWith("GRANT SET ON PARAMETER session_replication_role TO \"applier\";"));

            List<TargetPreflight.Finding> child =
                    TargetPreflight.check(fixture.target("child"), List.of("w"), false, "applier", 18);
            assertEquals(
                    List.of(
                            "GRANT DELETE ON \"s\".\"child\" TO \"applier\";",
                            "ALTER ROLE \"applier\" BYPASSRLS;",
                            "GRANT SET ON PARAMETER session_replication_role TO \"applier\";",
                            "CREATE INDEX CONCURRENTLY ON \"s\".\"child\" (\"w\");"),
                    child.stream().map(TargetPreflight.Finding::fix).toList());
            assertEquals(
                    List.of(), TargetPreflight.check(fixture.target("parent"), List.of("id"), true, "applier", 18));
        }
    }

    /** The master's cascade writes a parent before its children; whatever made the batch fall back, replay must cope. */
    @Test
    void r19ShouldReplayRowByRowWhatTheMasterWroteParentFirst() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.ordinary()) {
            fixture.ddl("CREATE TABLE %s.p (id int PRIMARY KEY)");
            fixture.sql("CREATE TABLE m.c (id int PRIMARY KEY, p int REFERENCES m.p ON DELETE CASCADE);"
                    + "CREATE TABLE m.g (id int PRIMARY KEY, c int REFERENCES m.c ON DELETE CASCADE);"
                    + "CREATE TABLE s.c (id int PRIMARY KEY, p int REFERENCES s.p);"
                    + "CREATE TABLE s.g (id int PRIMARY KEY, c int REFERENCES s.c);");
            fixture.ddl("CREATE TABLE %s.tree (id int PRIMARY KEY, up int REFERENCES %s.tree)");
            for (String table : List.of("p", "c", "g", "tree")) {
                fixture.track(table, 'd');
            }
            fixture.sql("INSERT INTO m.p SELECT generate_series(1, 20); INSERT INTO m.c SELECT i, i / 2 + 1"
                    + " FROM generate_series(1, 30) i; INSERT INTO m.g SELECT i, i FROM generate_series(1, 30) i;"
                    + "INSERT INTO m.tree SELECT i, nullif(i % 40 + 1, 40) FROM generate_series(1, 39) i");
            careful(fixture);
            fixture.sql("DELETE FROM m.p WHERE id IN (3, 4, 5); INSERT INTO m.p VALUES (4);"
                    + "INSERT INTO m.c VALUES (7, 4); UPDATE m.c SET id = 6 WHERE id = 7");
            careful(fixture);
            fixture.sql("DELETE FROM m.tree; INSERT INTO m.tree VALUES (2, 1), (1, NULL); TRUNCATE m.p, m.c, m.g");
            careful(fixture);
        }
    }

    private static void careful(ApplyFixture fixture) throws Exception {
        assertEquals(List.of(), fixture.careful(fixture.master.drain(), ConflictPolicy.STOP));
        fixture.session.commit();
        fixture.assertSame();
    }

    /** What no later change of the transaction makes fit is a conflict as before, and says how the key could wait. */
    @Test
    void r19ShouldStillFindRowsWhoseParentNeverComes() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.ordinary()) {
            fixture.ddl("CREATE TABLE %s.p (id int PRIMARY KEY); CREATE TABLE %s.t (id int PRIMARY KEY, p int)");
            fixture.sql("ALTER TABLE s.t ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES s.p");
            fixture.track("p", 'd');
            fixture.track("t", 'd');
            fixture.sql("INSERT INTO m.t VALUES (1, 1), (2, 2); INSERT INTO m.p VALUES (1); UPDATE m.t SET p = 1");
            List<CapturedMaster.Captured> changes = fixture.master.drain();

            Conflict conflict =
                    fixture.careful(changes.subList(0, 3), ConflictPolicy.STOP).get(0);
            fixture.session.rollback();
            assertEquals(Conflict.Kind.FOREIGN_KEY, conflict.kind());
            assertEquals(T, conflict.table());
            assertTrue(
                    conflict.advice().endsWith("ALTER TABLE \"s\".\"t\" ALTER CONSTRAINT \"t_p\" DEFERRABLE;"),
                    conflict.advice());

            List<Conflict> skipped = fixture.careful(changes.subList(0, 3), ConflictPolicy.SKIP);
            fixture.session.commit();
            assertEquals(1, skipped.size());
            assertEquals("id=2", skipped.get(0).key());
            assertEquals("(1,1)", fixture.value("SELECT string_agg(t::text, ' ') FROM s.t"));
        }
    }

    @Test
    void r19ShouldReportWhatActsThroughPartitions() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.ordinary()) {
            fixture.sql("CREATE TABLE s.p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
                    + "CREATE TABLE s.p1 PARTITION OF s.p FOR VALUES FROM (0) TO (100);"
                    + "CREATE TABLE s.c (p int CONSTRAINT one_leaf REFERENCES s.p1 ON DELETE CASCADE);"
                    + "CREATE TABLE s.q (p int CONSTRAINT whole REFERENCES s.p ON UPDATE CASCADE);"
                    + "CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
                    + "CREATE TRIGGER leaf BEFORE INSERT ON s.p1 FOR EACH ROW EXECUTE FUNCTION s.f();");
            assertEquals(
                    List.of(
                            "The role may not set session_replication_role, so trigger leaf of s.p would act a second time",
                            "Foreign key one_leaf of s.c would change rows by itself when s.p is changed",
                            "Foreign key whole of s.q would change rows by itself when s.p is changed"),
                    TargetPreflight.check(fixture.target("p"), List.of("id"), false, "applier", 18).stream()
                            .map(TargetPreflight.Finding::problem)
                            .toList());
        }
    }

    /** A hand-over that the fast path can never do: the pause between attempts doubles, the other table never leaves it. */
    @Test
    void r18ShouldTryTheFastPathAgainAfterGrowingPauses() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.ordinary()) {
            fixture.ddl("CREATE TABLE %s.parent (id int PRIMARY KEY);"
                    + "CREATE TABLE %s.t (id int PRIMARY KEY, p int REFERENCES %s.parent);"
                    + "CREATE TABLE %s.other (id int PRIMARY KEY, v int)");
            for (String table : List.of("parent", "t", "other")) {
                fixture.track(table, 'd');
            }
            fixture.sql(
                    "INSERT INTO m.parent VALUES (0); INSERT INTO m.t VALUES (1, 0); INSERT INTO m.other VALUES (1, 0)");
            fixture.apply();
            List<Integer> fellBack = new ArrayList<>();
            for (int batch = 1; batch <= 64; batch++) {
                fixture.sql("INSERT INTO m.parent VALUES (" + batch + "); UPDATE m.t SET p = " + batch
                        + "; UPDATE m.other SET v = v + 1; UPDATE m.other SET v = v + 1");
                fixture.apply();
                if (!fixture.fellBack().isEmpty()) {
                    assertEquals(Set.of(T), fixture.fellBack());
                    fellBack.add(batch);
                } else {
                    assertEquals(2, fixture.stats().updated(), "t one by one, other netted in batch " + batch);
                }
            }
            assertEquals(List.of(1, 6, 15, 32), fellBack);
            fixture.assertSame();
        }
    }

    @Test
    void r18ShouldFindOverlapsThatReplicaRoleDoesNotCheck() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.t (id int PRIMARY KEY, during int4range, EXCLUDE USING gist (during WITH &&)"
                    + " DEFERRABLE INITIALLY DEFERRED)");
            fixture.track("t", 'd');
            fixture.sql("INSERT INTO s.t VALUES (9, '[1,5)'); INSERT INTO m.t VALUES (1, '[4,8)'), (2, '[8,9)')");
            List<CapturedMaster.Captured> changes = fixture.master.drain();

            assertEquals(
                    Set.of(T),
                    assertThrows(BatchConflictException.class, () -> fixture.fast(changes))
                            .tables());
            fixture.session.rollback();
            assertEquals(T, fixture.careful(changes, ConflictPolicy.STOP).get(0).table());
        }
    }

    @Test
    void shouldFireReplicaTriggersAndNotOriginOnes() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.t (id int PRIMARY KEY)");
            fixture.track("t", 'd');
            fixture.sql("CREATE TABLE s.seen (what text); CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql"
                    + " AS 'BEGIN INSERT INTO s.seen VALUES (TG_ARGV[0]); RETURN NEW; END';"
                    + "CREATE TRIGGER o AFTER INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.f('origin');"
                    + "CREATE TRIGGER r AFTER INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.f('replica');"
                    + "ALTER TABLE s.t ENABLE REPLICA TRIGGER r");
            fixture.sql("INSERT INTO m.t VALUES (1)");
            fixture.apply();
            assertEquals("replica", fixture.value("SELECT string_agg(what, ',') FROM s.seen"));
        }
    }
}
