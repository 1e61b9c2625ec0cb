package dev.replicator.slave.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.TableName;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Values of all kinds of types, through INSERT, COPY, UPDATE, split updates and careful mode. */
class TypesIT {
    private static final String TYPES =
            """
            b boolean, i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision, n numeric, nn numeric(10,2),
            m money, c char(5), bp bpchar, vc varchar(10), t text, nm name, qc "char", by bytea, d date, tm time(3),
            ttz timetz, ts timestamp, tstz timestamptz(3), iv interval, u uuid, j json, jb jsonb, x xml, bit1 bit(4),
            vb varbit(8), ia int[], ta text[], inet inet, cidr cidr, mac macaddr, p point, bx box, poly polygon,
            r int4range, mr nummultirange, tsv tsvector, e %s.mood, dom %s.percent, comp %s.pair, o oid, l pg_lsn,
            va varchar(4)[], "Odd ""Name" text, "select" int
            """;
    private static final String ROW =
            """
            true, -32768, 2147483647, 9223372036854775807, 'NaN', '-Infinity', 'NaN', 12345678.90, '-12.34', 'ab ', 'x  ', 'abc  ',
            E'tab\\t nl\\n cr\\r back\\\\slash \\\\N \\\\. "quote" ''single'' \\u00e9\\U0001F600', 'nm', 'z',
            '\\x00ff5c0a', '0044-03-15 BC',
            '23:59:59.999', '12:00:00+05:30', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789+02',
            '-1 year 2 mons -3 days 04:05:06.7',
            '6ecd8c99-4036-403d-bf84-cf8400f67836', '{"a" :  [1, 2]}', '{"b": 1.50}', '<a>1 &lt; 2</a>', '1010', '10101',
            '[0:1]={1,NULL}', '{a,"b c","",NULL,"NULL","\\\\"}', '10.1.2.3/8', '10.0.0.0/8',
            '08:00:2b:01:02:03', '(1.5,-2)', '((0,0),(1,1))',
            '((0,0),(1,1),(2,0))', '[1,10)', '{[1,2),[5,7]}', 'a:1 b:2', 'ok', 42, '(1,"a ""b"", c")', 4294967295, '16/B374D848',
            '{abcd,x}', 'odd', 7
            """;

    @Test
    void shouldKeepEveryValueOnEveryPath() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            create(fixture);
            fixture.sql("INSERT INTO m.types VALUES (1, " + ROW + "); INSERT INTO m.types (id) VALUES (2)");
            fixture.apply();
            fixture.assertFastAndSame();

            fixture.options(new ApplyOptions(1 << 20, 1)); // COPY from the first row on
            fixture.sql("INSERT INTO m.types VALUES (3, " + ROW + ")");
            fixture.apply();
            fixture.assertFastAndSame();

            fixture.sql("UPDATE m.types a SET " + assignments(fixture) + " FROM m.types b WHERE a.id = 2 AND b.id = 1");
            fixture.apply();
            fixture.assertFastAndSame();

            fixture.sql("UPDATE m.types SET id = id + 10");
            fixture.apply();
            fixture.assertFastAndSame();

            fixture.sql("UPDATE m.types SET t = 'x', by = '\\x' WHERE id = 11; INSERT INTO m.types SELECT 20, "
                    + columns(fixture) + " FROM m.types WHERE id = 12; DELETE FROM m.types WHERE id = 13");
            assertEquals(List.of(), fixture.careful(fixture.master.drain(), ConflictPolicy.STOP));
            fixture.session.commit();
            fixture.assertSame();
        }
    }

    @Test
    void shouldFindRowByImageOfEveryType() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl(
                    "CREATE TYPE %s.mood AS ENUM ('ok', 'bad'); CREATE DOMAIN %s.percent AS numeric(5,2) CHECK (VALUE <= 100);"
                            + "CREATE TYPE %s.pair AS (a int, b text); CREATE TABLE %s.types (id int, " + TYPES + ")");
            fixture.track("types", 'f');
            fixture.sql("INSERT INTO m.types VALUES (1, " + ROW + "), (1, " + ROW
                    + "); INSERT INTO m.types (id) VALUES (1)");
            fixture.apply();
            fixture.sql("DELETE FROM m.types WHERE ctid = (SELECT ctid FROM m.types WHERE t IS NOT NULL LIMIT 1);"
                    + "UPDATE m.types SET id = 2 WHERE t IS NULL");
            fixture.apply();
            fixture.assertFastAndSame();
        }
    }

    @Test
    void shouldRefuseValueTooLongForTheTarget() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.ddl("CREATE TABLE %s.t (id int PRIMARY KEY, v varchar(10), b bit varying(10))");
            fixture.sql("ALTER TABLE s.t ALTER v TYPE varchar(3), ALTER b TYPE bit varying(3)");
            fixture.track("t", 'd');
            for (String values : List.of("(1, 'abcdef', NULL)", "(1, NULL, '101010')")) {
                fixture.sql("INSERT INTO m.t VALUES " + values);
                List<CapturedMaster.Captured> changes = fixture.master.drain();
                BatchConflictException batch = assertThrows(BatchConflictException.class, () -> fixture.fast(changes));
                assertEquals(Set.of(new TableName("s", "t")), batch.tables());
                fixture.session.rollback();
                TableException parked =
                        assertThrows(TableException.class, () -> fixture.careful(changes, ConflictPolicy.STOP));
                assertTrue(parked.reason().startsWith("INSERT on s.t failed: SQLSTATE 22"), parked.reason());
                fixture.session.rollback();
                fixture.sql("DELETE FROM m.t");
                fixture.master.drain();
            }
        }
    }

    @Test
    void shouldMatchColumnsByNameAndNameTheMissingOnes() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.sql("CREATE TABLE m.t (id int PRIMARY KEY, a text, b numeric(10,2), c varchar(20)[])");
            fixture.sql("CREATE TABLE s.t (a text, extra int DEFAULT 5, id bigint PRIMARY KEY, b text, c text)");
            fixture.track("t", 'd');
            fixture.sql("INSERT INTO m.t VALUES (1, 'a', 1.50, '{x}'); UPDATE m.t SET b = 2");
            fixture.apply();
            assertEquals("(a,5,1,2.00,{x})", fixture.value("SELECT t::text FROM s.t"));

            fixture.rebind();
            fixture.sql("ALTER TABLE s.t DROP COLUMN b, DROP COLUMN c; INSERT INTO m.t VALUES (2)");
            TableException parked = assertThrows(TableException.class, fixture::apply);
            assertTrue(
                    parked.hint()
                            .contains(
                                    "ALTER TABLE \"s\".\"t\" ADD COLUMN \"b\" numeric(10,2), ADD COLUMN \"c\" varchar(20)[];"),
                    parked.hint());
        }
    }

    @Test
    void shouldUseEqualityOfExtensionTypesOutsideTheSearchPath() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.sql("CREATE SCHEMA IF NOT EXISTS ext; CREATE EXTENSION IF NOT EXISTS citext SCHEMA ext");
            fixture.ddl("CREATE TABLE %s.t (id ext.citext PRIMARY KEY, v ext.citext UNIQUE)");
            fixture.track("t", 'd');
            fixture.sql("INSERT INTO m.t VALUES ('One', 'x'), ('two', 'y')");
            fixture.apply();
            fixture.sql("UPDATE m.t SET id = 'ONE' WHERE id = 'one'; UPDATE m.t SET v = 'z' WHERE id = 'one'");
            fixture.apply();
            fixture.assertFastAndSame();

            // the slave's row differs from the master's in a way its type does not see
            fixture.sql("UPDATE s.t SET id = 'Two' WHERE id = 'two'");
            fixture.sql(
                    "UPDATE m.t SET v = 'w' WHERE id = 'two'; DELETE FROM m.t WHERE id = 'two'; INSERT INTO m.t VALUES ('TWO', 'q')");
            fixture.apply();
            fixture.assertFastAndSame();
        }
    }

    @Test
    void shouldApplyTablesWithManyColumns() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            String columns =
                    IntStream.range(0, 400).mapToObj(i -> "c" + i + " int").collect(Collectors.joining(", "));
            fixture.ddl("CREATE TABLE %s.wide (id int PRIMARY KEY, " + columns + ")");
            fixture.track("wide", 'd');
            fixture.sql("INSERT INTO m.wide (id, c0) VALUES (1, 1), (2, 2); UPDATE m.wide SET c399 = id");
            fixture.apply();
            fixture.sql("UPDATE m.wide SET c1 = 5; UPDATE m.wide SET id = 3 WHERE id = 2");
            fixture.apply();
            fixture.assertFastAndSame();
        }
    }

    private static void create(ApplyFixture fixture) throws Exception {
        fixture.ddl(
                "CREATE TYPE %s.mood AS ENUM ('ok', 'bad'); CREATE DOMAIN %s.percent AS numeric(5,2) CHECK (VALUE <= 100);"
                        + "CREATE TYPE %s.pair AS (a int, b text); CREATE TABLE %s.types (id int PRIMARY KEY, " + TYPES
                        + ")");
        fixture.track("types", 'd');
    }

    private static String columns(ApplyFixture fixture) throws Exception {
        return fixture.value("SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
                + " WHERE attrelid = 'm.types'::regclass AND attnum > 1");
    }

    private static String assignments(ApplyFixture fixture) throws Exception {
        return fixture.value(
                "SELECT string_agg(format('%1$I = b.%1$I', attname), ', ' ORDER BY attnum) FROM pg_attribute"
                        + " WHERE attrelid = 'm.types'::regclass AND attnum > 1");
    }
}
