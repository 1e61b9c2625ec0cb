package dev.replicator.slave.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.replicator.queue.TableName;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Rule R04: updates that change a unique key. */
class SplitUpdatesIT {

    @Test
    void shouldR04KeepUnsentAndTargetOnlyValuesWhenKeyChanges() throws Exception {
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
    void shouldR04SwapValuesOfUniqueColumnOutsideTheIdentity() throws Exception {
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
    void shouldR04RotateKeysInOneBatch() throws Exception {
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
    void shouldR04SplitWhenExpressionPredicateOrGeneratedSourceChanges() throws Exception {
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
    void shouldR04SplitForExclusionConstraint() throws Exception {
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
    void shouldR04NotSplitWhereForeignKeyActionsAreLive() throws Exception {
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

    @Test
    void shouldReplaceRowWhenGeneratedAlwaysIdentityChanges() throws Exception {
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
            assertEquals(java.util.List.of(), fixture.careful(fixture.master.drain(), ConflictPolicy.STOP));
            fixture.session.commit();
            fixture.assertSame();
        }
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
