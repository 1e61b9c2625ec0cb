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
    void shouldR22TouchExactlyOneOfEqualRows() throws Exception {
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
    void shouldR22FindKeylessRowsThroughAnIndexAndInPartitions() throws Exception {
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
    void shouldR22UseTargetKeyUnderFullIdentity() throws Exception {
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
    void shouldR22ApplyWithIdentityOtherThanTheTargetKey() throws Exception {
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
