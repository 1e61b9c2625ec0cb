package dev.replicator.it.rules;

import static dev.replicator.it.rules.Texts.assertContains;
import static dev.replicator.it.rules.Texts.awaitContains;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.replicator.embedded.Await;
import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.embedded.StepGate;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** R12: whatever settings a role, a database or a server has, the same value has the same text in all sessions of ours. */
class R12SessionsIT {
    private static final String BENT = "r12_bent";
    private static final String PLAIN = "r12_plain";

    /** What is bent on both sides alike: input and output of values, and all that cuts sessions and statements off. */
    private static final List<String> BENDS = List.of(
            "DateStyle = 'German, DMY'",
            "TimeZone = 'Asia/Kolkata'",
            "extra_float_digits = -9",
            "bytea_output = 'escape'",
            "xmloption = 'document'",
            "array_nulls = off",
            "search_path = 'odd', 'public'",
            "quote_all_identifiers = on",
            "row_security = on",
            "statement_timeout = '100ms'",
            "lock_timeout = '100ms'",
            "idle_in_transaction_session_timeout = '100ms'",
            "idle_session_timeout = '100ms'",
            "transaction_timeout = '100ms'",
            "default_transaction_isolation = 'serializable'",
            "default_transaction_read_only = on",
            "default_transaction_deferrable = on");

    private static final String SCHEMA =
            """
            CREATE SCHEMA odd;
            CREATE TYPE odd."Mood" AS ENUM ('ok', 'not ok');
            CREATE TABLE public.pointed_at ();
            CREATE TABLE odd.bent (
              id int PRIMARY KEY, i interval DEFAULT '-1 day +02:00', d date, t timestamptz DEFAULT '2024-05-06 07:08+00', m money,
              f float8, b bytea, a text[], r regclass, k odd."Mood" DEFAULT 'ok', "order" text CHECK ("order" <> 'x'));
            CREATE INDEX ON odd.bent ("order") WHERE f > 0.1;
            """;

    @AfterEach
    void dropRoles() throws Exception {
        for (EmbeddedPostgres server : List.of(SharedServers.master(), SharedServers.targets())) {
            server.execute("postgres", "DROP ROLE IF EXISTS " + BENT, "DROP ROLE IF EXISTS " + PLAIN);
        }
    }

    /** A dump is held longer than any of the timeouts; then values go through the stream, in and out of bent sessions. */
    @Test
    void r12ShouldCarryTheSameTextWhateverServerRoleAndDatabaseSet() throws Exception {
        try (Stage stage = Stage.open(SCHEMA)) {
            stage.workAs(BENT).startForwarder();
            stage.defineCapture("", "odd.*");
            stage.defineSlave("s", "", "odd.*");
            stage.onSlave("s", "CREATE TABLE public.pointed_at ()");
            bend(stage.masterServer(), stage.masterDatabase(), "sql_standard");
            bend(stage.targetServer(), stage.slaveDatabase("s"), "iso_8601");
            stage.onMaster(rows(1), rows(11));
            try (StepGate snapshot = StepGate.hold("dump.marker-emitted")) {
                stage.startCapture();
                stage.startSlave("s");
                snapshot.awaitArrival();
                Await.until(
                        "the snapshot's session has been idle for longer than its timeout",
                        Duration.ofSeconds(60),
                        () -> "t"
                                .equals(
                                        stage.masterValue(
                                                """
                                SELECT bool_and(clock_timestamp() - state_change > interval '400 ms')
                                  FROM pg_stat_activity WHERE state = 'idle in transaction' AND usename = 'r12_bent'""")));
            }
            stage.awaitInSync("s", 1);
            assertEquals(definitions(stage, true), definitions(stage, false));
            stage.assertSameRows("s", "odd.bent");
            stage.onMaster(
                    rows(21),
                    "UPDATE odd.bent SET i = -i, d = d + 1, m = m * -1, f = f / 3, b = b || '\\x5c', a = a || NULL::text",
                    "DELETE FROM odd.bent WHERE id % 2 = 0");
            stage.assertEqualTables("s", "odd.bent");
            assertEquals(
                    "15", stage.slaveValue("s", "SELECT count(*) FROM odd.bent WHERE a[2] IS NULL AND a[3] = 'NULL'"));
        }
    }

    /** The role sees 3 of 10 rows: an error that says so, never a dump of 3; with BYPASSRLS all 10 arrive. */
    @Test
    void r12ShouldRefuseToDumpRowsThatRowSecurityHides() throws Exception {
        try (Stage stage = Stage.open(
                """
                CREATE ROLE r12_plain LOGIN REPLICATION;
                CREATE TABLE hidden (id int PRIMARY KEY);
                INSERT INTO hidden SELECT generate_series(1, 10);
                CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
                CREATE TABLE leaf PARTITION OF parts DEFAULT;
                INSERT INTO parts SELECT generate_series(1, 10);
                ALTER TABLE hidden OWNER TO r12_plain;
                ALTER TABLE parts OWNER TO r12_plain;
                ALTER TABLE leaf OWNER TO r12_plain;
                ALTER TABLE hidden ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
                ALTER TABLE leaf ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
                CREATE POLICY few ON hidden USING (id <= 3);
                CREATE POLICY few ON leaf USING (id <= 3);
                """)) {
            stage.masterServer()
                    .execute("postgres", "GRANT CREATE ON DATABASE " + stage.masterDatabase() + " TO " + PLAIN);
            stage.targetServer().execute("postgres", "CREATE ROLE " + PLAIN + " LOGIN SUPERUSER");
            stage.workAs(PLAIN).startMasterSide("public.hidden", "public.parts");
            String preflight = stage.preflight("capture.yaml");
            assertContains(
                    preflight,
                    "MISSING  public.hidden: row security of public.hidden hides rows from capture's role, so a dump of it"
                            + " is refused",
                    "MISSING  public.parts: row security of public.leaf hides rows from capture's role",
                    "ALTER ROLE \"r12_plain\" BYPASSRLS");
            stage.startSlave("s", "public.hidden", "public.parts");
            stage.waiting()
                    .until("the slave says why it has no dump", status -> Stage.tableOf(status, "s", "public.hidden")
                            .path("error")
                            .asText()
                            .contains("BYPASSRLS"));
            String table = Stage.tableOf(stage.status(), "s", "public.hidden").toString();
            assertContains(table, "waiting-for-dump", "query would be affected by row-level security policy");
            awaitContains(
                    () -> stage.admin("slave", "show", "s").orThrow(),
                    "row-level security",
                    "ALTER ROLE ... BYPASSRLS",
                    "preflight");
            awaitContains(() -> stage.admin("status").orThrow(), "row-level security", "ALTER ROLE ... BYPASSRLS");
            stage.masterServer().execute("postgres", "ALTER ROLE " + PLAIN + " BYPASSRLS");
            stage.admin("dump", "request", "--table", "public.hidden", "--table", "public.parts")
                    .orThrow();
            stage.awaitInSync("s", 2);
            stage.assertEqualTables("s", "public.hidden", "public.parts");
        }
    }

    /** A target table with row security would hide rows from updates and deletes: parked with the statement that mends it. */
    @Test
    void r12ShouldParkATargetTableWhoseRowSecurityAppliesToTheSlavesRole() throws Exception {
        try (Stage stage = Stage.open("CREATE TABLE hidden (id int PRIMARY KEY, v int);"
                + "INSERT INTO hidden SELECT i, i FROM generate_series(1, 10) i")) {
            stage.targetServer().execute("postgres", "CREATE ROLE " + PLAIN + " LOGIN");
            stage.masterServer().execute("postgres", "CREATE ROLE " + PLAIN + " SUPERUSER LOGIN");
            stage.workAs(PLAIN).startMasterSide("public.hidden");
            stage.defineSlave("s", "", "public.hidden");
            stage.targetServer()
                    .execute("postgres", "GRANT CREATE ON DATABASE " + stage.slaveDatabase("s") + " TO " + PLAIN);
            stage.onSlave(
                    "s",
                    "CREATE TABLE hidden (id int PRIMARY KEY, v int)",
                    "ALTER TABLE hidden OWNER TO " + PLAIN,
                    "GRANT USAGE, CREATE ON SCHEMA public TO " + PLAIN,
                    "ALTER TABLE hidden ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
                    "CREATE POLICY few ON hidden USING (id <= 3)");
            assertContains(
                    stage.preflight("slave-s.yaml"),
                    "public.hidden: if this slave is to carry it: Row security of public.hidden applies to the role",
                    "ALTER ROLE \"r12_plain\" BYPASSRLS");
            stage.startSlave("s");
            String said = stage.awaitTableState("s", "public.hidden", "error").toString();
            assertContains(said, "Row security of public.hidden applies to the role", "BYPASSRLS");
            stage.targetServer().execute("postgres", "ALTER ROLE " + PLAIN + " BYPASSRLS");
            stage.admin("slave", "resume", "s", "--table", "public.hidden").orThrow();
            stage.awaitInSync("s", 1);
            stage.assertEqualTables("s", "public.hidden");
        }
    }

    private static void bend(EmbeddedPostgres server, String database, String intervalStyle) throws SQLException {
        server.execute("postgres", "CREATE ROLE " + BENT + " SUPERUSER LOGIN");
        List<String> statements = new ArrayList<>();
        BENDS.forEach(bend -> statements.add("ALTER ROLE " + BENT + " IN DATABASE " + database + " SET " + bend));
        statements.add("ALTER ROLE " + BENT + " SET IntervalStyle = " + intervalStyle);
        statements.add("ALTER DATABASE " + database + " SET IntervalStyle = 'postgres_verbose'");
        server.execute("postgres", statements.toArray(String[]::new));
    }

    /** Ten rows of values whose text depends on settings. */
    private static String rows(int first) {
        return "INSERT INTO odd.bent SELECT n, -(n || ' days ' || n || ' hours')::interval, date '2001-02-03' + n,"
                + " timestamptz '2024-10-27 00:30+00' + n * interval '20 min', (n * 1000.5)::numeric::money, n / 7.0::float8,"
                + " decode(lpad(to_hex(n), 8, '0'), 'hex'), ARRAY['x', NULL, 'NULL', n::text], 'public.pointed_at',"
                + " CASE n % 2 WHEN 0 THEN 'ok' ELSE 'not ok' END::odd.\"Mood\", 'o' || n"
                + " FROM generate_series(" + first + ", " + (first + 9) + ") n";
    }

    private static List<String> definitions(Stage stage, boolean master) throws SQLException {
        List<String> found = new ArrayList<>();
        for (String sql : List.of(
                "SELECT string_agg(pg_get_constraintdef(oid), ';' ORDER BY pg_get_constraintdef(oid)) FROM pg_constraint"
                        + " WHERE conrelid = 'odd.bent'::regclass",
                "SELECT string_agg(indexdef, ';' ORDER BY indexdef) FROM pg_indexes WHERE schemaname = 'odd'",
                "SELECT string_agg(adnum || pg_get_expr(adbin, adrelid), ';' ORDER BY adnum) FROM pg_attrdef"
                        + " WHERE adrelid = 'odd.bent'::regclass")) {
            found.add(master ? stage.masterValue(sql) : stage.slaveValue("s", sql));
        }
        return found;
    }
}
