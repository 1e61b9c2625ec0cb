package dev.replicator.dumps.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.dumps.DumpStore;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Every type with its extremes through dump and load, compared by the server's own text. */
@Timeout(120)
final class TypesRoundTripIT {

    @TempDir
    private Path directory;

    /** A column type and SQL expressions for its values. */
    private record Sample(String type, String... values) {}

    private static final List<Sample> SAMPLES = List.of(
            new Sample("boolean", "true", "false"),
            new Sample("smallint", "-32768", "32767"),
            new Sample("integer", "-2147483648", "2147483647"),
            new Sample("bigint", "-9223372036854775808", "9223372036854775807"),
            new Sample("real", "'NaN'", "'-Infinity'", "'-0'", "1.17549435e-38", "3.4028235e38", "0.1"),
            new Sample("double precision", "'NaN'", "'Infinity'", "'-0'", "5e-324", "1.7976931348623157e308", "0.1"),
            new Sample("numeric", "'NaN'", "'Infinity'", "'-Infinity'", "repeat('9', 1000)::numeric", "1.00", "1e-500"),
            new Sample("numeric(10,2)", "99999999.99", "-0.01", "'NaN'"),
            new Sample("numeric(3,-2)", "99900"),
            new Sample("money", "'-92233720368547758.08'", "'92233720368547758.07'"),
            new Sample(
                    "text",
                    "''",
                    "E'\\\\N'",
                    "'\\.'",
                    "E'tab\\t line\\n return\\r back\\\\ b\\b f\\f v\\v'",
                    "'日本語 😀 é'",
                    "repeat('x', 1000000)"),
            new Sample("varchar(5)", "'abcde'", "'a b  '"),
            new Sample("char(5)", "'ab'", "''"),
            new Sample("\"char\"", "'x'", "''"),
            new Sample("name", "repeat('n', 63)::name"),
            new Sample("bytea", "''", "'\\x00ff5c0a'::bytea", "decode(repeat('00', 100000), 'hex')"),
            new Sample("date", "'infinity'", "'-infinity'", "'4713-01-01 BC'", "'5874897-12-31'"),
            new Sample("time", "'00:00'", "'24:00'", "'23:59:59.999999'"),
            new Sample("time(0) with time zone", "'00:00+15:59'", "'24:00-15:59'"),
            new Sample("timestamp", "'infinity'", "'4713-01-01 00:00 BC'", "'294276-12-31 23:59:59.999999'"),
            new Sample("timestamptz", "'-infinity'", "'2026-03-29 02:30 Europe/Berlin'", "'4713-11-24 00:00:00+00 BC'"),
            new Sample("interval", "'-1 year -2 mons +3 days -04:05:06.789'", "'178000000 years'", "'infinity'"),
            new Sample("interval day to second(3)", "'3 days 04:05:06.789'"),
            new Sample("bit(3)", "B'101'"),
            new Sample("varbit", "B''", "B'1'", "repeat('10', 500)::varbit"),
            new Sample("uuid", "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"),
            new Sample("inet", "'::1/128'", "'192.168.0.1/24'", "'10.0.0.1'"),
            new Sample("cidr", "'10.0.0.0/8'", "'2001:db8::/32'"),
            new Sample("macaddr", "'08:00:2b:01:02:03'"),
            new Sample("macaddr8", "'08:00:2b:01:02:03:04:05'"),
            new Sample("json", "'{\"b\": 1,  \"a\":2, \"a\": [null, \"\\u0041\\n\"]}'", "'null'"),
            new Sample("jsonb", "'{\"b\": 1e400, \"a\": [\"\\\\\", \"\\t\"]}'", "'\"\"'"),
            new Sample("jsonpath", "'$.a[*] ? (@ > 2)'"),
            new Sample("tsvector", "'a:1A b:2 ''c d'':16383'", "''"),
            new Sample("tsquery", "'a & !(b | c:*) <2> d'"),
            new Sample("point", "'(-0,1e-300)'", "'(NaN,Infinity)'"),
            new Sample("line", "'{1,2,3}'"),
            new Sample("lseg", "'[(0,0),(1,1)]'"),
            new Sample("box", "'(1,1),(0,0)'"),
            new Sample("path", "'[(0,0),(1,1)]'", "'((0,0),(1,1))'"),
            new Sample("polygon", "'((0,0),(1,1),(2,0))'"),
            new Sample("circle", "'<(1,2),3.5>'"),
            new Sample("oid", "4294967295", "0"),
            new Sample("xid8", "'18446744073709551615'"),
            new Sample("pg_lsn", "'FFFFFFFF/FFFFFFFF'", "'0/0'"),
            new Sample("txid_snapshot", "'10:20:10,14,15'"),
            new Sample("regclass", "'pg_catalog.pg_class'", "0"),
            new Sample("regtype", "'integer[]'"),
            new Sample("int4range", "'empty'", "'[,5)'", "'[1,3]'"),
            new Sample("numrange", "'(1.50,2.0]'", "'(,)'"),
            new Sample("tstzrange", "'[2026-01-01 00:00+00,infinity)'"),
            new Sample("int8multirange", "'{[1,3),[5,9)}'", "'{}'"),
            new Sample("integer[]", "'{}'", "'{{1,NULL},{3,4}}'", "'[-2:0]={1,2,3}'"),
            new Sample("text[]", "ARRAY['a,b', '\"', '\\', 'NULL', NULL, '', '{}']"),
            new Sample("jsonb[]", "ARRAY['{\"a\": \"x,y\"}'::jsonb]"),
            new Sample("my.mood", "'sad'", "'it''s \"ok\"'"),
            new Sample("my.mood[]", "'{sad,NULL}'"),
            new Sample("my.positive", "1", "2147483647"),
            new Sample("my.nested", "'5'"),
            new Sample("my.\"Pair\"", "ROW(1, E'a\"b\\\\c,(')", "ROW(NULL, NULL)"),
            new Sample("my.\"Pair\"[]", "ARRAY[ROW(1, 'x')::my.\"Pair\"]"),
            new Sample("my.floatrange", "'[1.5,2.5]'", "'empty'"),
            new Sample("my.floatmulti", "'{[1.5,2.5],[3,4)}'"),
            new Sample("ext.hstore", "'a=>1, b=>NULL, \"c d\"=>\"\\\"\"'", "''"),
            new Sample("ext.citext", "'MiXeD'"),
            new Sample("text COLLATE my.de", "'ä'"),
            new Sample("xml", "'<a b=\"c\">&lt;</a>'", "'<x/>text'"));

    @Test
    void shouldBringEveryValueOverByteForByte() throws Exception {
        try (Servers servers = Servers.start();
                DumpStore store = DumpStore.open(directory)) {
            servers.run(
                    "master",
                    "CREATE SCHEMA my",
                    "CREATE SCHEMA ext",
                    "CREATE EXTENSION hstore SCHEMA ext",
                    "CREATE EXTENSION citext SCHEMA ext",
                    "CREATE COLLATION my.de (PROVIDER = icu, LOCALE = 'de', DETERMINISTIC = false)",
                    "CREATE TYPE my.mood AS ENUM ('sad', 'it''s \"ok\"', 'happy')",
                    "ALTER TYPE my.mood ADD VALUE 'middle' BEFORE 'happy'",
                    "CREATE DOMAIN my.positive AS integer CONSTRAINT above CHECK (VALUE > 0)",
                    "CREATE DOMAIN my.nested AS my.positive DEFAULT 7",
                    "CREATE TYPE my.\"Pair\" AS (\"the number\" my.positive, t text)",
                    "CREATE TYPE my.floatrange AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = float8mi,"
                            + " MULTIRANGE_TYPE_NAME = my.floatmulti)");
            List<Sample> samples = supported(servers);
            createAndFill(servers, samples);

            servers.restore(servers.dump(store, "d-1", "samples"));

            String all = "SELECT " + columns(samples, "c%d::text") + " FROM public.samples ORDER BY id";
            List<List<String>> expected = servers.rows("master", all);
            List<List<String>> actual = servers.rows("target", all);
            assertEquals(8, expected.size());
            for (int column = 0; column < samples.size(); column++) {
                int index = column;
                assertEquals(
                        expected.stream().map(row -> row.get(index)).toList(),
                        actual.stream().map(row -> row.get(index)).toList(),
                        samples.get(column).type);
            }
            String types = "SELECT attname, format_type(atttypid, atttypmod), attcollation::regcollation::text"
                    + " FROM pg_attribute WHERE attrelid = 'public.samples'::regclass AND attnum > 0 ORDER BY attnum";
            assertEquals(servers.rows("master", types), servers.rows("target", types));
            String labels = "SELECT enum_range(NULL::my.mood)::text";
            assertEquals(servers.value("master", labels), servers.value("target", labels));
        }
    }

    /** Only xml is a build option of the server; whether it is there is asked, and everything else must be. */
    private static List<Sample> supported(Servers servers) throws Exception {
        String xml = servers.value(
                "master", "SELECT is_supported FROM information_schema.sql_features WHERE feature_id = 'X010'");
        return SAMPLES.stream()
                .filter(sample -> !sample.type.equals("xml") || xml.equals("YES"))
                .toList();
    }

    private static void createAndFill(Servers servers, List<Sample> samples) throws Exception {
        StringBuilder create = new StringBuilder("CREATE TABLE samples (id int PRIMARY KEY");
        for (int column = 0; column < samples.size(); column++) {
            create.append(", c").append(column).append(' ').append(samples.get(column).type);
        }
        servers.run("master", create.append(')').toString());
        int most =
                samples.stream().mapToInt(sample -> sample.values.length).max().orElseThrow();
        assertTrue(most <= 7, "one more row is all NULL");
        for (int row = 0; row <= 7; row++) {
            int number = row;
            String values = samples.stream()
                    .map(sample -> number < sample.values.length ? sample.values[number] : "NULL")
                    .collect(Collectors.joining(", "));
            servers.run("master", "INSERT INTO samples VALUES (" + row + ", " + values + ")");
        }
    }

    private static String columns(List<Sample> samples, String format) {
        StringBuilder list = new StringBuilder();
        for (int column = 0; column < samples.size(); column++) {
            list.append(column == 0 ? "" : ", ").append(String.format(java.util.Locale.ROOT, format, column));
        }
        return list.toString();
    }
}
