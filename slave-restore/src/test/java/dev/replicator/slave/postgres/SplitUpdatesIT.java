package dev.replicator.slave.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.Unchanged;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Rule R04: updates that change a unique key. */
class SplitUpdatesIT {
    private static final Unchanged U = Unchanged.UNCHANGED;

    @Test
    void r04ShouldKeepUnsentAndTargetOnlyValuesWhenKeyChanges() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.w (id int PRIMARY KEY, big text, n int)");
            fixture.sql("ALTER TABLE s.w ADD COLUMN note text DEFAULT 'fresh', ADD COLUMN flag boolean DEFAULT false");
            fixture.track("w", 'd');
            fixture.sql("INSERT INTO m.w SELECT i, repeat('x', 100), i FROM generate_series(1, 20) i");
            fixture.apply();
            fixture.sql("UPDATE s.w SET note = 'local ' || id, flag = true");

            fixture.sql("UPDATE m.w SET id = id + 100 WHERE id % 2 = 0");
            fixture.apply();

            assertEquals(Set.of(), fixture.fellBack());
            assertEquals(
                    fixture.value("SELECT string_agg(w::text, ' ' ORDER BY id) FROM m.w"),
                    fixture.value("SELECT string_agg((id, big, n)::text, ' ' ORDER BY id) FROM s.w"));
            assertEquals("local 20 true", fixture.value("SELECT note || ' ' || flag FROM s.w WHERE id = 120"));
            assertEquals("0", fixture.value("SELECT count(*) FROM s.w WHERE note = 'fresh' OR NOT flag"));
        }
    }

    @Test
    void r04ShouldSwapValuesOfUniqueColumnOutsideTheIdentity() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.u (id int PRIMARY KEY, email text UNIQUE, n int)");
            fixture.track("u", 'd');
            fixture.sql("INSERT INTO m.u SELECT i, 'e' || i, i FROM generate_series(1, 50) i");
            fixture.apply();

            fixture.sql("UPDATE m.u SET email = 'tmp' WHERE id = 1; UPDATE m.u SET email = 'e1' WHERE id = 2;"
                    + "UPDATE m.u SET email = 'e2' WHERE id = 1; UPDATE m.u SET n = 0 WHERE id > 40;"
                    + "DELETE FROM m.u WHERE id = 3; UPDATE m.u SET email = 'e3' WHERE id = 4;"
                    + "INSERT INTO m.u VALUES (51, 'e4', 1)");
            fixture.apply();

            fixture.assertFastAndSame();
        }
    }

    @Test
    void r04ShouldRotateKeysInOneBatch() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.k (a int, b text, v text, PRIMARY KEY (a, b))");
            fixture.track("k", 'd');
            fixture.sql("INSERT INTO m.k SELECT i, 'k', 'v' || i FROM generate_series(1, 30) i");
            fixture.apply();

            fixture.sql(
                    "UPDATE m.k SET a = -1 WHERE a = 1; UPDATE m.k SET a = 1 WHERE a = 2;"
                            + "UPDATE m.k SET a = 2 WHERE a = 3; UPDATE m.k SET a = 3, v = 'last' WHERE a = -1;"
                            + "DELETE FROM m.k WHERE a = 10; UPDATE m.k SET a = 10 WHERE a = 11; INSERT INTO m.k VALUES (11, 'k', 'new')");
            fixture.apply();

            fixture.assertFastAndSame();
        }
    }

    @Test
    void r04ShouldSplitWhenExpressionPredicateOrGeneratedSourceChanges() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.x (id int PRIMARY KEY, name text, code int,"
                    + " twice int GENERATED ALWAYS AS (code * 2) STORED UNIQUE, active boolean, slot int)");
            fixture.ddl("CREATE UNIQUE INDEX ON %s.x (lower(name)); CREATE UNIQUE INDEX ON %s.x (slot) WHERE active");
            fixture.track("x", 'd');
            fixture.sql(
                    "INSERT INTO m.x (id, name, code, active, slot) SELECT i, 'N' || i, i, i = 1, 7 FROM generate_series(1, 10) i");
            fixture.apply();
            assertEquals(
                    Set.of("name", "code", "active", "slot", "id"),
                    fixture.target("x").keys().stream()
                            .flatMap(key -> key.dependsOn().stream())
                            .collect(java.util.stream.Collectors.toSet()));

            fixture.sql("UPDATE m.x SET name = 'tmp' WHERE id = 2; UPDATE m.x SET name = 'n2' WHERE id = 3;"
                    + "UPDATE m.x SET code = 99 WHERE id = 4; UPDATE m.x SET code = 4 WHERE id = 5;"
                    + "UPDATE m.x SET active = false WHERE id = 1; UPDATE m.x SET active = true WHERE id = 10");
            fixture.apply();

            fixture.assertFastAndSame();
        }
    }

    @Test
    void r04ShouldSplitForExclusionConstraint() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl(
                    "CREATE TABLE %s.r (id int PRIMARY KEY, during int4range, EXCLUDE USING gist (during WITH &&))");
            fixture.track("r", 'd');
            fixture.sql("INSERT INTO m.r VALUES (1, '[1,5)'), (2, '[5,9)')");
            fixture.apply();

            fixture.sql("UPDATE m.r SET during = '[20,30)' WHERE id = 1; UPDATE m.r SET during = '[2,8)' WHERE id = 2;"
                    + "UPDATE m.r SET during = '[8,9)' WHERE id = 1");
            fixture.apply();

            fixture.assertFastAndSame();
        }
    }

    @Test
    void r04ShouldNotSplitWhereForeignKeyActionsAreLive() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.ordinary()) {
            fixture.ddl("CREATE TABLE %s.parent (id int PRIMARY KEY, email text UNIQUE);"
                    + "CREATE TABLE %s.child (id int PRIMARY KEY, p int REFERENCES %s.parent ON DELETE CASCADE)");
            fixture.track("parent", 'd');
            fixture.track("child", 'd');
            fixture.sql("INSERT INTO m.parent VALUES (1, 'a'), (2, 'b'); INSERT INTO m.child VALUES (1, 1), (2, 1)");
            fixture.apply();

            fixture.sql("UPDATE m.parent SET email = 'new' WHERE id = 1");
            fixture.apply();

            assertEquals(Set.of(new TableName("s", "parent")), fixture.fellBack());
            assertEquals("2", fixture.value("SELECT count(*) FROM s.child"));
            fixture.assertSame();
        }
    }

    /** A row deleted and inserted again under its key is a new row: own columns begin anew, and triggers hear of both. */
    @Test
    void r04ShouldReplaceARowInPlaceOnlyWhereNobodyCanTell() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            for (String table : List.of("plain", "own", "heard")) {
                fixture.ddl("CREATE TABLE %s." + table + " (id int PRIMARY KEY, v text)");
                fixture.track(table, 'd');
            }
            fixture.sql("ALTER TABLE s.own ADD COLUMN note text DEFAULT 'fresh'; CREATE TABLE s.log (op text);"
                    + "CREATE FUNCTION s.hear() RETURNS trigger LANGUAGE plpgsql AS"
                    + " $$ BEGIN INSERT INTO s.log VALUES (TG_OP); RETURN NULL; END $$;"
                    + "CREATE TRIGGER hear AFTER INSERT OR UPDATE OR DELETE ON s.heard FOR EACH ROW EXECUTE FUNCTION s.hear();"
                    + "ALTER TABLE s.heard ENABLE ALWAYS TRIGGER hear");
            for (String table : List.of("plain", "own", "heard")) {
                fixture.sql("INSERT INTO m." + table + " VALUES (1, 'old')");
            }
            fixture.apply();
            fixture.sql("UPDATE s.own SET note = 'local'; TRUNCATE s.log");
            ApplyStats before = fixture.stats();

            for (String table : List.of("plain", "own", "heard")) {
                fixture.sql("DELETE FROM m." + table + "; INSERT INTO m." + table + " VALUES (1, 'new')");
            }
            fixture.apply();

            assertEquals(Set.of(), fixture.fellBack());
            assertEquals("new fresh", fixture.value("SELECT v || ' ' || note FROM s.own"));
            assertEquals("DELETE INSERT", fixture.value("SELECT string_agg(op, ' ' ORDER BY op) FROM s.log"));
            assertEquals("new", fixture.value("SELECT v FROM s.plain"));
            assertEquals(1, fixture.stats().updated() - before.updated());
            assertEquals(2, fixture.stats().deleted() - before.deleted());
        }
    }

    @Test
    void r04ShouldReplaceRowWhenGeneratedAlwaysIdentityChanges() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.g (id int PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, v text)");
            fixture.sql("ALTER TABLE m.g ALTER n DROP IDENTITY");
            fixture.track("g", 'd');
            fixture.sql("INSERT INTO m.g SELECT i, i * 10, 'v' FROM generate_series(1, 5) i");
            fixture.apply();

            fixture.sql("UPDATE m.g SET n = 7 WHERE id = 1; UPDATE m.g SET v = 'w' WHERE id = 2");
            fixture.apply();
            fixture.assertFastAndSame();

            fixture.sql("UPDATE m.g SET n = 8, v = 'x' WHERE id = 1; UPDATE m.g SET v = 'y' WHERE id = 2");
            assertEquals(List.of(), fixture.careful(fixture.master.drain(), ConflictPolicy.STOP));
            fixture.session.commit();
            fixture.assertSame();
        }
    }

    /** A row keeps what only the slave has through 1 -> 2 -> 3, and two rows that change places take theirs along. */
    @Test
    void r04ShouldFollowARowThroughItsKeysWithTheSlavesOwnColumns() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.w (id int PRIMARY KEY, big text, v int)");
            TableSchema schema = fixture.track("w", 'd');
            fixture.sql("INSERT INTO m.w SELECT i, 'big' || i, i FROM generate_series(1, 6) i");
            fixture.apply();
            fixture.sql("ALTER TABLE s.w ADD COLUMN own text; UPDATE s.w SET own = 'own' || id;"
                    + " ALTER TABLE s.w ALTER own SET NOT NULL");
            fixture.rebind();
            // 1 -> 20 -> 30, its TOASTed value never sent; 2 and 3 change places; 4 goes and comes back; 5 -> 1
            List<CapturedMaster.Captured> changes = List.of(
                    update(schema, 1, 20, U, 10),
                    update(schema, 20, 30, U, U),
                    update(schema, 2, -1, U, U),
                    update(schema, 3, 2, U, U),
                    update(schema, -1, 3, U, U),
                    update(schema, 4, 40, "new", U),
                    update(schema, 40, 4, U, 44),
                    update(schema, 5, 1, U, U));

            fixture.apply(changes);

            assertEquals(Set.of(), fixture.fellBack());
            assertEquals(
                    "(1,big5,5,own5) (2,big3,3,own3) (3,big2,2,own2) (4,new,44,own4) (6,big6,6,own6) (30,big1,10,own1)",
                    fixture.value("SELECT string_agg(w::text, ' ' ORDER BY id) FROM s.w"));
        }
    }

    /** A leaf of the slave has a unique index that its root lacks; a swap there is one as anywhere. */
    @Test
    void r04ShouldKnowTheKeysOfPartitions() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.p (id int PRIMARY KEY, email text, slot int) PARTITION BY RANGE (id);"
                    + "CREATE TABLE %s.p1 PARTITION OF %s.p FOR VALUES FROM (0) TO (100);"
                    + "CREATE TABLE %s.p2 PARTITION OF %s.p FOR VALUES FROM (100) TO (200)");
            fixture.sql("CREATE UNIQUE INDEX ON s.p1 (email); CREATE UNIQUE INDEX ON s.p1 (slot) WHERE id > 5;"
                    + "ALTER TABLE s.p2 ADD UNIQUE (slot) DEFERRABLE");
            TableSchema schema = fixture.track("p", 'd');
            fixture.sql("INSERT INTO m.p SELECT i, 'e' || i % 100, i % 100 FROM generate_series(1, 199) i");
            fixture.apply();
            fixture.assertFastAndSame();
            fixture.sql("UPDATE m.p SET email = 'tmp' WHERE id = 1; UPDATE m.p SET email = 'e1' WHERE id = 2;"
                    + "UPDATE m.p SET email = 'e2' WHERE id = 1; UPDATE m.p SET slot = 77 WHERE id = 3;"
                    + "DELETE FROM m.p WHERE id = 105; UPDATE m.p SET id = 105 WHERE id = 5");
            fixture.apply();
            fixture.assertFastAndSame();

            assertEquals(List.of("id"), fixture.target("p").primaryKey());
            List<CapturedMaster.Captured> twice = List.of(new CapturedMaster.Captured(
                    schema, new RowChange(ChangeKind.UPDATE, null, new Object[] {120, U, 21})));
            BatchConflictException conflict = assertThrows(BatchConflictException.class, () -> fixture.fast(twice));
            fixture.session.rollback();
            assertEquals(Set.of(new TableName("s", "p")), conflict.tables(), "a duplicate that replica role lets in");
        }
    }

    @Test
    void r04ShouldSplitForAnIndexOverTheWholeRow() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.x (id int PRIMARY KEY, a text, b text)");
            fixture.sql("CREATE FUNCTION s.f(r s.x) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN r.a; END';"
                    + "CREATE UNIQUE INDEX ON s.x (s.f(x))");
            fixture.track("x", 'd');
            fixture.sql("INSERT INTO m.x SELECT i, 'a' || i, 'b' FROM generate_series(1, 10) i");
            fixture.apply();
            fixture.sql("UPDATE m.x SET a = 'tmp' WHERE id = 1; UPDATE m.x SET a = 'a1' WHERE id = 2;"
                    + "UPDATE m.x SET a = 'a2' WHERE id = 1");
            fixture.apply();
            fixture.assertFastAndSame();
        }
    }

    private static CapturedMaster.Captured update(TableSchema schema, int oldKey, Object... row) {
        Object[] before = (Integer) row[0] == oldKey ? null : new Object[] {oldKey, U, U};
        return new CapturedMaster.Captured(schema, new RowChange(ChangeKind.UPDATE, before, row));
    }

    @Test
    void shouldApplyIdentityAndGeneratedColumns() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.i (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int,"
                    + " sum int GENERATED ALWAYS AS (v + 1) STORED)");
            fixture.track("i", 'd');
            fixture.sql("INSERT INTO m.i (v) SELECT i FROM generate_series(1, 300) i");
            fixture.apply();
            fixture.sql(
                    "UPDATE m.i SET v = v * 2 WHERE id < 9; DELETE FROM m.i WHERE id = 9; INSERT INTO m.i (v) VALUES (1)");
            fixture.apply();
            fixture.assertFastAndSame();
        }
    }
}
