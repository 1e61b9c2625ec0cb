package dev.replicator.slave.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Rule R22: full identity, and an identity other than the slave's key. */
class KeylessIT {

    @Test
    void r22ShouldTouchExactlyOneOfEqualRows() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.k (a int, j json, p point, f float8, n numeric, c char(4), b bytea, t text)");
            fixture.track("k", 'f');
            fixture.sql(
                    "INSERT INTO m.k SELECT 1, '{\"a\": 1}', '(1,2)', '-0.0', 1.0, 'x', '\\x00ff', NULL FROM generate_series(1, 3)");
            fixture.sql("INSERT INTO m.k VALUES (1, '{\"a\":1}', '(1,2)', '0.0', 1.00, 'x', '\\x00ff', NULL)");
            fixture.apply();
            fixture.assertFastAndSame();

            fixture.sql("DELETE FROM m.k WHERE ctid = (SELECT ctid FROM m.k LIMIT 1)");
            fixture.sql("UPDATE m.k SET t = 'one' WHERE ctid = (SELECT ctid FROM m.k LIMIT 1)");
            fixture.sql("UPDATE m.k SET a = 2 WHERE n::text = '1.00'");
            fixture.sql("INSERT INTO m.k (a) VALUES (9), (9)");
            fixture.apply();
            fixture.assertFastAndSame();
            assertEquals("5", fixture.value("SELECT count(*) FROM s.k"));
        }
    }

    @Test
    void r22ShouldFindKeylessRowsThroughAnIndexAndInPartitions() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.k (a int, v text) PARTITION BY RANGE (a);"
                    + "CREATE TABLE %s.k1 PARTITION OF %s.k FOR VALUES FROM (0) TO (100);"
                    + "CREATE TABLE %s.k2 PARTITION OF %s.k FOR VALUES FROM (100) TO (200); CREATE INDEX ON %s.k (a)");
            fixture.track("k", 'f');
            fixture.sql(
                    "INSERT INTO m.k SELECT i % 200, 'v' FROM generate_series(1, 400) i; INSERT INTO m.k VALUES (5, NULL)");
            fixture.apply();
            fixture.sql("UPDATE m.k SET v = 'w' WHERE ctid = (SELECT ctid FROM m.k1 WHERE a = 5 LIMIT 1) AND a = 5;"
                    + "DELETE FROM m.k WHERE a = 150");
            fixture.apply();
            fixture.assertFastAndSame();
        }
    }

    @Test
    void r22ShouldUseTargetKeyUnderFullIdentity() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.f (id int PRIMARY KEY, big text, v int)");
            TableSchema schema = fixture.track("f", 'f');
            fixture.sql("INSERT INTO m.f SELECT i, 'big' || i, i FROM generate_series(1, 30) i");
            fixture.apply();
            assertEquals(true, fixture.binding(schema).keyed());
            // differs only on the slave: not part of how the row is found
            fixture.sql(
                    "UPDATE m.f SET id = id + 50, v = 0 WHERE id < 5; DELETE FROM m.f WHERE id = 6; UPDATE m.f SET v = 1 WHERE id = 7");
            fixture.apply();
            fixture.assertFastAndSame();
        }
    }

    @Test
    void r22ShouldApplyWithIdentityOtherThanTheTargetKey() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.i (a int NOT NULL UNIQUE, id int PRIMARY KEY, v text)");
            fixture.track("i", 'i', "a");
            fixture.sql("INSERT INTO m.i SELECT i, i, 'v' FROM generate_series(1, 20) i");
            fixture.apply();
            fixture.sql(
                    "UPDATE m.i SET id = 100 WHERE a = 1; UPDATE m.i SET id = 1 WHERE a = 2; UPDATE m.i SET id = 2 WHERE a = 1;"
                            + "UPDATE m.i SET a = 30 WHERE a = 3; UPDATE m.i SET a = 3, id = 55 WHERE a = 4");
            fixture.apply();
            fixture.assertFastAndSame();
        }
    }

    /** Texts that the types take for equal are different rows; types without any equality are found all the same. */
    @Test
    void r22ShouldTellEqualValuesWithDifferentImagesApart() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.sql("CREATE SCHEMA IF NOT EXISTS ext; CREATE EXTENSION IF NOT EXISTS citext SCHEMA ext");
            fixture.ddl("CREATE TABLE %s.k (c ext.citext, x xml, f float8, n numeric, p point, d interval); "
                    + "CREATE INDEX ON %s.k (c)");
            fixture.track("k", 'f');
            fixture.sql(
                    "INSERT INTO m.k SELECT c, x::xml, f::float8, n::numeric, p::point, d::interval FROM"
                            + " unnest(ARRAY['a', 'A', NULL]) c, unnest(ARRAY['<a/>', '<a></a>']) x,"
                            + " unnest(ARRAY['NaN', '0', '-0']) f, unnest(ARRAY['NaN', '1.0', '1.00']) n,"
                            + " unnest(ARRAY['(0,0)', '(-0,0)']) p, unnest(ARRAY['1 month', '30 days']) d, generate_series(1, 3)");
            fixture.apply();
            fixture.sql("DELETE FROM m.k WHERE ctid IN (SELECT min(ctid) FROM m.k GROUP BY k::text"
                    + " HAVING k::text LIKE '(A,%' OR k::text LIKE '%,1.00,%')");
            fixture.sql("UPDATE m.k SET x = '<b/>', n = 2.50 WHERE ctid IN (SELECT max(ctid) FROM m.k GROUP BY k::text"
                    + " HAVING k::text LIKE '%,-0,%' OR k::text LIKE '%NaN,NaN%')");
            fixture.apply();
            fixture.assertFastAndSame();
        }
    }

    /** The master names rows by a; here a has no index, id is the key, and an update of id alone sends no old row. */
    @Test
    void r22ShouldApplyAnIdentityThatHasNoIndexHere() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.sql("CREATE TABLE m.i (id int PRIMARY KEY, a int NOT NULL UNIQUE, v text);"
                    + "CREATE TABLE s.i (id int PRIMARY KEY, a int, v text)");
            fixture.track("i", 'i', "a");
            fixture.sql("INSERT INTO m.i SELECT i, -i, 'v' FROM generate_series(1, 50) i");
            fixture.apply();
            String changes = "UPDATE m.i SET id = 0 WHERE a = -1; UPDATE m.i SET id = 1 WHERE a = -2;"
                    + "UPDATE m.i SET id = 2 WHERE a = -1; UPDATE m.i SET v = v || 'w' WHERE a < -40;"
                    + "UPDATE m.i SET a = a - 100 WHERE id = 7; DELETE FROM m.i WHERE id = 8";
            fixture.sql(changes);
            fixture.apply();
            fixture.assertFastAndSame();
            fixture.sql(changes);
            assertEquals(List.of(), fixture.careful(fixture.master.drain(), ConflictPolicy.STOP));
            fixture.session.commit();
            fixture.assertSame();

            TargetPreflight.Finding advice = TargetPreflight.check(
                            fixture.target("i"), List.of("a"), true, "applier", 18)
                    .get(0);
            assertEquals("CREATE INDEX CONCURRENTLY ON \"s\".\"i\" (\"a\");", advice.fix());
            assertEquals(false, advice.blocking());
        }
    }

    /** Nothing of a table without a key is netted, however its rows come and go beside netted tables. */
    @Test
    void r22ShouldKeepTheMastersOrderWithoutAKey() throws Exception {
        for (boolean replica : new boolean[] {true, false}) {
            try (ApplyFixture fixture = replica ? ApplyFixture.replica() : ApplyFixture.ordinary()) {
                fixture.options(new ApplyOptions(400, 3));
                fixture.ddl("CREATE TABLE %s.p (id int PRIMARY KEY);"
                        + "CREATE TABLE %s.k (p int REFERENCES %s.p, u int UNIQUE, v text)");
                fixture.track("p", 'd');
                fixture.track("k", 'f');
                fixture.sql("INSERT INTO m.p SELECT generate_series(1, 9); INSERT INTO m.k SELECT i, NULL, 'same'"
                        + " FROM generate_series(1, 9) i, generate_series(1, 5)");
                fixture.apply();
                for (int round = 0; round < 4; round++) {
                    fixture.sql("INSERT INTO m.k SELECT 1, NULL, 'same' FROM generate_series(1, 3);"
                            + "DELETE FROM m.k WHERE ctid IN (SELECT ctid FROM m.k WHERE p = 1 LIMIT 4);"
                            + "UPDATE m.k SET u = 1 WHERE ctid = (SELECT ctid FROM m.k WHERE p = 2 LIMIT 1);"
                            + "UPDATE m.k SET u = NULL WHERE u = 1; INSERT INTO m.k VALUES (3, 1, 'u');"
                            + "DELETE FROM m.k WHERE u = 1; DELETE FROM m.k WHERE p = 9; DELETE FROM m.p WHERE id = 9;"
                            + "INSERT INTO m.p VALUES (9); INSERT INTO m.k VALUES (9, NULL, 'back')");
                    fixture.apply();
                    fixture.assertSame();
                }
            }
        }
    }

    @Test
    void shouldParkKeylessTableWhoseOldRowsAreNotSent() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.k (a int)");
            TableSchema schema = fixture.track("k", 'f');
            RowChange update = new RowChange(ChangeKind.UPDATE, null, new Object[] {1});
            TableException parked = assertThrows(
                    TableException.class,
                    () -> fixture.careful(List.of(new CapturedMaster.Captured(schema, update)), ConflictPolicy.STOP));
            assertEquals("UPDATE of s.k came without the old values that name the row", parked.reason());
        }
    }
}
