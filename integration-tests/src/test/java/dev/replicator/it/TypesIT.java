package dev.replicator.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Every type arrives as the server's own text, byte for byte, through the dump and through the stream. */
class TypesIT {
    /** type declaration | literal; one table with a column each. */
    private static final List<String[]> VALUES = List.of(
            new String[] {"boolean", "true", "false"},
            new String[] {"smallint", "-32768", "32767"},
            new String[] {"integer", "-2147483648", "2147483647"},
            new String[] {"bigint", "-9223372036854775808", "9223372036854775807"},
            new String[] {
                "numeric", "'NaN'", "'-Infinity'", "'Infinity'", "1.00", "-0.000", "1e-50", "repeat('9', 200)::numeric"
            },
            new String[] {"numeric(20,4)", "-9999999999999999.9999", "'NaN'"},
            new String[] {"real", "'NaN'", "'-Infinity'", "-0.0", "1e-45", "3.4028235e38", "0.1"},
            new String[] {"double precision", "'NaN'", "'Infinity'", "-0.0", "5e-324", "1.7976931348623157e308", "0.1"},
            new String[] {"money", "'-92233720368547758.08'", "'92233720368547758.07'"},
            new String[] {
                "text",
                "''",
                "E'tab\\t nl\\n cr\\r bs\\\\ quote'' dq\" \\b\\f\\v'",
                "'\\N'",
                "'äöü \u20ac \ud83d\ude00'"
            },
            new String[] {"varchar(12)", "'abc  '", "''"},
            new String[] {"char(5)", "'ab'", "''"},
            new String[] {"\"char\"", "'x'", "''"},
            new String[] {"name", "'a name'"},
            new String[] {"bytea", "'\\x'", "'\\x00ff5c27'"},
            new String[] {"bit(7)", "B'1010101'"},
            new String[] {"bit varying", "B''", "B'110'"},
            new String[] {"date", "'infinity'", "'-infinity'", "'4713-01-01 BC'", "'5874897-12-31'"},
            new String[] {"time", "'24:00:00'", "'00:00:00.000001'"},
            new String[] {"timetz", "'23:59:59.999999-15:59'", "'00:00+14'"},
            new String[] {
                "timestamp", "'infinity'", "'-infinity'", "'4713-01-01 00:00:00 BC'", "'294276-12-31 23:59:59.999999'"
            },
            new String[] {"timestamptz", "'infinity'", "'2026-03-29 01:30:00+00'", "'0044-03-15 12:00 BC'"},
            new String[] {"interval", "'-178000000 years'", "'1 mon -1 day +00:00:00.000001'", "'-1 day +25:00'"},
            new String[] {"uuid", "'00000000-0000-0000-0000-000000000000'"},
            new String[] {"inet", "'::ffff:1.2.3.4/128'", "'10.0.0.1/8'"},
            new String[] {"cidr", "'10.0.0.0/8'", "'2001:db8::/32'"},
            new String[] {"macaddr", "'08:00:2b:01:02:03'"},
            new String[] {"macaddr8", "'08:00:2b:01:02:03:04:05'"},
            new String[] {"json", "'{\"b\": 1,  \"a\": [1, null, \"\\u0041\"], \"b\": 2}'", "'null'"},
            new String[] {"jsonb", "'{\"b\": 1e400, \"a\": [1, null]}'", "'\"\"'"},
            new String[] {"tsvector", "'a:1A fat:2B,3C ''it''''s'' cat'"},
            new String[] {"tsquery", "'fat & (rat | !cat) <-> dog:*AB'"},
            new String[] {"point", "'(-0.0,1e300)'"},
            new String[] {"line", "'{1,-2,3}'"},
            new String[] {"lseg", "'[(0,0),(1,1)]'"},
            new String[] {"box", "'(2,2),(1,1)'"},
            new String[] {"path", "'((0,0),(1,1),(2,0))'", "'[(0,0),(1,1)]'"},
            new String[] {"polygon", "'((0,0),(1,1),(2,0))'"},
            new String[] {"circle", "'<(1,2),3>'"},
            new String[] {"oid", "4294967295"},
            new String[] {"pg_lsn", "'16/B374D848'"},
            new String[] {"xid", "'4294967295'"},
            new String[] {"int4range", "'empty'", "'(,5)'", "'[1,10)'"},
            new String[] {"numrange", "'[1.0,2.00]'"},
            new String[] {"tstzrange", "'[2026-01-01 00:00+00,infinity)'"},
            new String[] {"datemultirange", "'{[2026-01-01,2026-02-01), [2026-03-01,)}'", "'{}'"},
            new String[] {"integer[]", "'{{1,NULL},{3,4}}'", "'[0:1]={7,8}'", "'{}'"},
            new String[] {"text[]", "ARRAY['a,b', 'NULL', NULL, '', '\"', '{}', '\\']"},
            new String[] {"numeric[]", "'{NaN,1.0,-Infinity}'"},
            new String[] {"timestamptz[]", "'{infinity,\"2026-01-01 00:00+00\"}'"},
            new String[] {"bytea[]", "ARRAY['\\x00'::bytea, NULL]"},
            new String[] {"odd.\"Mood enum\"", "'very ''sad'''", "'ok'"},
            new String[] {"odd.\"Mood enum\"[]", "ARRAY['ok', 'very ''sad''']::odd.\"Mood enum\"[]"},
            new String[] {"odd.percent", "12.345"},
            new String[] {"odd.pair", "ROW(1, 'a \"b\", (c)')::odd.pair", "ROW(NULL, NULL)::odd.pair"},
            new String[] {"odd.pair[]", "ARRAY[ROW(1, 'x')::odd.pair, NULL]"},
            new String[] {"odd.floatrange", "'[1.5,2.5)'"},
            new String[] {"public.hstore", "'a=>1, \"b c\"=>NULL'"},
            new String[] {"public.citext", "'MiXed'"});

    private static Replication replication;

    @RegisterExtension
    static final DiagnosticsOnFailure DIAGNOSTICS = new DiagnosticsOnFailure(() -> replication);

    @BeforeAll
    static void start() throws Exception {
        replication = Replication.start(schema(), "odd.*");
        replication.onMaster(rows(1));
        replication.startSlave("types", "odd.*");
        replication.awaitInSync("types", 1);
    }

    @AfterAll
    static void stop() {
        replication.close();
    }

    @Test
    void shouldBringEveryTypeThroughTheDump() throws Exception {
        assertColumnsEqual(1);
    }

    @Test
    void shouldBringEveryTypeThroughTheStream() throws Exception {
        replication.onMaster(rows(101));
        replication.awaitApplied("types");
        assertColumnsEqual(101);
    }

    @Test
    void shouldBringEveryTypeThroughAnUpdate() throws Exception {
        replication.onMaster(rows(201));
        StringBuilder update = new StringBuilder("UPDATE odd.\"All types\" t SET ");
        for (int i = 0; i < VALUES.size(); i++) {
            update.append(i == 0 ? "" : ", ")
                    .append("c")
                    .append(i)
                    .append(" = o.c")
                    .append(i);
        }
        update.append(" FROM odd.\"All types\" o WHERE t.id = 202 AND o.id = 201");
        replication.onMaster(update.toString());
        replication.awaitApplied("types");
        assertColumnsEqual(201);
    }

    private static void assertColumnsEqual(int fromId) throws Exception {
        try (Connection master = replication.masterConnection();
                Connection slave = replication.slaveConnection("types")) {
            for (int i = 0; i < VALUES.size(); i++) {
                String sql =
                        "SELECT id || ': ' || coalesce(c" + i + "::text, 'NULL') FROM odd.\"All types\" WHERE id >= "
                                + fromId + " AND id < " + (fromId + 100) + " ORDER BY id";
                assertEquals(list(master, sql), list(slave, sql), VALUES.get(i)[0]);
            }
        }
    }

    private static List<String> list(Connection connection, String sql) throws Exception {
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            List<String> rows = new ArrayList<>();
            while (result.next()) {
                rows.add(result.getString(1));
            }
            return rows;
        }
    }

    private static String schema() {
        StringBuilder sql =
                new StringBuilder("CREATE EXTENSION hstore SCHEMA public; CREATE EXTENSION citext SCHEMA public;"
                        + " CREATE SCHEMA odd; CREATE TYPE odd.\"Mood enum\" AS ENUM ('ok', 'very ''sad''');"
                        + " CREATE DOMAIN odd.percent AS numeric(6,3) CHECK (VALUE >= 0);"
                        + " CREATE TYPE odd.pair AS (n int, t text);"
                        + " CREATE TYPE odd.floatrange AS RANGE (subtype = float8);"
                        + " CREATE TABLE odd.\"All types\" (id int PRIMARY KEY");
        for (int i = 0; i < VALUES.size(); i++) {
            sql.append(", c").append(i).append(' ').append(VALUES.get(i)[0]);
        }
        return sql.append(")").toString();
    }

    /** One row per value position; columns with fewer values are NULL in the later rows. */
    private static String rows(int firstId) {
        int most = VALUES.stream().mapToInt(v -> v.length - 1).max().orElseThrow();
        StringBuilder sql = new StringBuilder();
        for (int row = 0; row < most; row++) {
            sql.append("INSERT INTO odd.\"All types\" VALUES (").append(firstId + row);
            for (String[] value : VALUES) {
                sql.append(", ");
                if (row < value.length - 1) {
                    sql.append(value[row + 1]);
                } else {
                    sql.append("NULL");
                }
            }
            sql.append(");\n");
        }
        return sql.toString();
    }
}
