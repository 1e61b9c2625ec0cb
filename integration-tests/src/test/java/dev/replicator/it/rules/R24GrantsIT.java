package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.ByteString;
import dev.replicator.embedded.Await;
import dev.replicator.it.RecordingProxy;
import dev.replicator.launcher.local.StatusWait;
import dev.replicator.queue.wire.DumpPart;
import dev.replicator.queue.wire.WirePosition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * R24: of what a slave is not granted, no byte reaches it. Everything that is not granted is called {@code hr_...} here and
 * holds the value {@code HRVALUE}; slave "narrow" is granted {@code public.*} but for these, through a proxy that remembers
 * what came; slave "mirror" carries all.
 */
class R24GrantsIT {
    private static final String SCHEMA =
            """
            CREATE TABLE hr_salaries (id int PRIMARY KEY, hr_amount text);
            CREATE SEQUENCE hr_bonus_seq;
            CREATE FUNCTION hr_allowed(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
            CREATE TYPE state AS ENUM ('new', 'done');
            CREATE TABLE orders (
              id int PRIMARY KEY, state state DEFAULT 'new', v text CHECK (hr_allowed(v)),
              salary int REFERENCES hr_salaries,
              bonus bigint DEFAULT nextval('hr_bonus_seq'),
              ticket bigint DEFAULT nextval(('public.hr_bonus_seq'::text)::regclass),
              CHECK (NOT pg_has_role('hr_boss', 'MEMBER') OR true));
            CREATE INDEX by_permission ON orders (v) WHERE hr_allowed(v);
            CREATE TABLE leaves (id int PRIMARY KEY, v text);
            CREATE TABLE renamed (id int PRIMARY KEY, v text);
            CREATE TABLE hr_successor (id int CONSTRAINT named_for_itself PRIMARY KEY, v text);
            CREATE ROLE hr_boss;
            ALTER TABLE orders OWNER TO hr_boss;
            COMMENT ON TABLE orders IS 'paid by hr_boss';
            INSERT INTO hr_salaries SELECT i, 'HRVALUE' FROM generate_series(1, 100) i;
            INSERT INTO orders SELECT i, 'new', 'order', i FROM generate_series(1, 100) i;
            INSERT INTO hr_successor VALUES (1, 'HRVALUE before the rename');
            """;

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static Stage stage;
    private static RecordingProxy proxy;

    @BeforeAll
    static void start() throws Exception {
        stage = Stage.open(SCHEMA).startMasterSide("public.*");
        stage.startSlave("mirror", "public.*");
        stage.awaitInSync("mirror", 5);
        proxy = new RecordingProxy(stage.cluster().address());
        stage.cluster().routeSlavesThrough(proxy.address());
        stage.defineSlave("narrow", "", "public.orders");
        stage.cluster().grant("narrow", List.of("public.*"), List.of("public.hr_*"));
        stage.admin("reload").orThrow();
        stage.startSlave("narrow");
        stage.awaitInSync("narrow", 3);
    }

    @AfterAll
    static void stop() throws Exception {
        stage.close();
        proxy.close();
        SharedServers.master().execute("postgres", "DROP ROLE hr_boss");
    }

    /** Definitions, dumps of one snapshot, rows, schemas, markers, one TRUNCATE over both, status: everything at once. */
    @Test
    void r24ShouldSendNoByteOfWhatIsNotGranted() throws Exception {
        stage.onSlave("mirror", "ALTER TABLE hr_salaries ADD COLUMN hr_extra text");
        stage.onMaster(
                "BEGIN; UPDATE orders SET v = v || '.'; UPDATE hr_salaries SET hr_amount = 'HRVALUE changed'; COMMIT",
                "ALTER TABLE hr_salaries ADD COLUMN hr_extra text DEFAULT 'HRVALUE extra'",
                "BEGIN; INSERT INTO hr_salaries SELECT i, repeat('HRVALUE', 20) FROM generate_series(1000, 9000) i;"
                        + " INSERT INTO orders SELECT i, 'new', repeat('order', 30), i FROM generate_series(1000, 9000) i;"
                        + " UPDATE hr_salaries SET hr_extra = 'HRVALUE large'; COMMIT",
                "TRUNCATE orders, hr_salaries",
                "BEGIN; INSERT INTO hr_salaries VALUES (1, 'HRVALUE'); INSERT INTO orders VALUES (1, 'done', 'last', 1); COMMIT");
        stage.admin("dump", "request", "--full", "--wait").orThrow();
        stage.admin("slave", "resync", "narrow", "--table", "public.orders").orThrow();
        stage.awaitTableState("narrow", "public.orders", "in-sync");
        stage.assertEqualTables("narrow", "public.orders");
        stage.assertEqualTables("mirror", "public.orders", "public.hr_salaries");

        assertTrue(proxy.received("orders"), "the proxy sees what comes");
        assertNothingForeign(proxy::received);
        assertEquals(
                "0",
                stage.slaveValue("narrow", "SELECT count(*) FROM pg_class WHERE relname LIKE 'hr%'"),
                "relations of the narrow slave");
        try (Spy spy = spy().readEverything(beginning(), lastSeq(), List.of("public.orders", "public.hr_salaries"))) {
            assertTrue(spy.text().contains("last"), "the spy reads the rows it is granted");
            assertNothingForeign(spy.text()::contains);
            assertTrue(spy.tableIds().contains(oid("orders")), spy.tableIds().toString());
            assertFalse(
                    spy.tableIds().contains(oid("hr_salaries")), spy.tableIds().toString());
        }
    }

    /** A table that a pattern matches is granted by its creation, and said; an exclusion is honoured. */
    @Test
    void r24ShouldLogWhatAPatternGrantsAndListIt() throws Exception {
        stage.onMaster(
                "CREATE TABLE news (id int PRIMARY KEY)",
                "CREATE TABLE hr_news (id int PRIMARY KEY)",
                "INSERT INTO news VALUES (1)",
                "INSERT INTO hr_news VALUES (1)");
        stage.awaitTableState("narrow", "public.news", "in-sync");
        stage.assertEqualTables("narrow", "public.news");
        stage.awaitTableState("mirror", "public.hr_news", "in-sync");

        List<String> granted = stage.log().matching("A pattern in the slave's file grants it this table");
        assertTrue(
                granted.stream().anyMatch(line -> line.contains("narrow") && line.contains("public.news")),
                granted.toString());
        assertTrue(
                granted.stream().noneMatch(line -> line.contains("narrow") && line.contains("hr_")),
                granted.toString());
        String shown = stage.admin("slave", "show", "narrow").orThrow();
        assertTrue(shown.lines().anyMatch(line -> line.startsWith("resolved") && line.contains("public.news")), shown);
        assertTrue(shown.lines().noneMatch(line -> line.startsWith("resolved") && line.contains("hr_")), shown);
        assertTrue(shown.lines().anyMatch(line -> line.equals("patterns  public.*")), shown);
        assertTrue(shown.lines().anyMatch(line -> line.startsWith("exclude   public.hr_*")), shown);
        assertNothingForeign(proxy::received);
    }

    /** A table that is not granted takes a granted name: its history stays where it is, its rows come from now on. */
    @Test
    void r24ShouldNotSendTheHistoryOfATableThatTakesAGrantedName() throws Exception {
        stage.onMaster(
                "INSERT INTO hr_successor VALUES (2, 'HRVALUE that is deleted')",
                "DELETE FROM hr_successor",
                "INSERT INTO hr_successor VALUES (3, 'open from now on')",
                "INSERT INTO renamed VALUES (1, 'the granted one')");
        stage.assertEqualTables("narrow", "public.renamed");
        stage.onMaster(
                "BEGIN; ALTER TABLE renamed RENAME TO hr_former; ALTER TABLE hr_successor RENAME TO renamed; COMMIT",
                "INSERT INTO renamed VALUES (4, 'behind the rename')",
                "INSERT INTO hr_former VALUES (2, 'HRVALUE of the former')");
        Await.until("the name's new owner is there", PATIENCE, () -> "open from now on,behind the rename"
                .equals(stage.slaveValue("narrow", "SELECT string_agg(v, ',' ORDER BY id) FROM renamed")));
        stage.assertEqualTables("narrow", "public.renamed");
        assertNothingForeign(proxy::received);
        try (Spy spy = spy().readEverything(
                        beginning(), lastSeq(), List.of("public.renamed", "public.hr_former", "public.hr_successor"))) {
            assertTrue(spy.text().contains("behind the rename"));
            assertNothingForeign(spy.text()::contains);
        }
    }

    /** A slave asks for what it is not granted by every call there is. */
    @Test
    void r24ShouldRefuseDumpsThatAreNotGranted() throws Exception {
        String foreign = null;
        for (JsonNode dump : stage.status().path("dumps")) {
            if (dump.path("table").asText().equals("public.hr_salaries")) {
                foreign = dump.path("id").asText();
            }
        }
        String id = foreign;
        assertNotEquals(null, id);
        try (Spy spy = spy()) {
            assertEquals(
                    "the slave is not granted this table",
                    spy.require("public.hr_salaries").getDumps(0).getReason());
            List<DumpPart> received = new ArrayList<>();
            StatusRuntimeException refused =
                    assertThrows(StatusRuntimeException.class, () -> spy.fetch(id, received::add));
            assertTrue(received.isEmpty(), "no chunk, and no definition either");
            assertEquals(Status.Code.PERMISSION_DENIED, refused.getStatus().getCode());
            assertFalse(refused.getMessage().contains("hr_"), refused.getMessage());
        }
        assertTrue(stage.log()
                .matching("Refused a dump: the slave is not granted this table")
                .get(0)
                .contains("narrow"));
        String fetched = stage.log()
                .matching("Refused: the slave is not granted this table")
                .get(0);
        assertTrue(fetched.contains("narrow") && fetched.contains(id), fetched);
    }

    /** A granted table is excluded: the slave is told of this one, of no other, and nothing of it comes any more. */
    @Test
    void r24ShouldEndAGrantThatIsExcludedLater() throws Exception {
        stage.onMaster("INSERT INTO leaves VALUES (1, 'granted')");
        stage.assertEqualTables("narrow", "public.leaves");
        stage.cluster().grant("narrow", List.of("public.*"), List.of("public.hr_*", "public.leaves"));
        stage.admin("reload").orThrow();
        stage.onMaster("INSERT INTO leaves VALUES (2, 'behind the exclusion')");
        stage.waiting().until("the table has left", status -> Stage.tableOf(status, "narrow", "public.leaves")
                .isMissingNode());
        stage.awaitApplied("narrow");
        stage.awaitApplied("mirror");
        stage.assertSameRows("mirror", "public.leaves");
        assertEquals("1", stage.slaveValue("narrow", "SELECT count(*) FROM leaves"));
        assertFalse(proxy.received("behind the exclusion"), "a row came after the exclusion");
        // The cached dump of mirror's lies before the exclusion: with it comes what was committed without a grant.
        stage.cluster().grant("narrow", List.of("public.*"), List.of("public.hr_*"));
        stage.admin("reload").orThrow();
        stage.awaitTableState("narrow", "public.leaves", "in-sync");
        stage.assertEqualTables("narrow", "public.leaves");
    }

    /** A slave's token is changed: whoever is connected with the old one is shown out, and does not come in again. */
    @Test
    void r24ShouldEndTheConnectionsOfATokenThatHasChanged() throws Exception {
        stage.startSlave("rotated", "public.news_of_old");
        stage.waiting().until("it is connected", status -> StatusWait.slaveOf(status, "rotated")
                .path("connected")
                .asBoolean());
        Files.writeString(stage.cluster().tokenFile("rotated"), UUID.randomUUID() + "\n");
        stage.admin("reload").orThrow();
        stage.waiting().until("it is disconnected", status -> !StatusWait.slaveOf(status, "rotated")
                .path("connected")
                .asBoolean());
        assertTrue(stage.log().await("Its token has changed").contains("rotated"));
        String refused = stage.log().await("Refused a call: the token is not one that this forwarder knows");
        assertTrue(refused.contains("127.0.0.1"), refused);
        stage.stopSlave("rotated");
        stage.startSlave("rotated");
        stage.waiting().until("it is connected with the new one", status -> StatusWait.slaveOf(status, "rotated")
                .path("connected")
                .asBoolean());
        stage.stopSlave("rotated");
    }

    private interface Holder {
        boolean holds(String text);
    }

    private static void assertNothingForeign(Holder holder) {
        for (String text : new String[] {"hr_", "HR_", "HRVALUE"}) {
            assertFalse(holder.holds(text), "'" + text + "' was sent to a slave that is not granted it");
        }
    }

    private static Spy spy() throws Exception {
        String token = Files.readString(stage.cluster().tokenFile("narrow")).strip();
        return new Spy(stage.cluster().address(), "narrow", token);
    }

    /** The queue's very beginning, as a lane that begins at a dump's base names it. */
    private static WirePosition beginning() throws Exception {
        JsonNode status = stage.status();
        UUID id = UUID.fromString(status.path("queue").path("epochId").asText());
        ByteBuffer bytes = ByteBuffer.allocate(16)
                .putLong(id.getMostSignificantBits())
                .putLong(id.getLeastSignificantBits())
                .flip();
        return WirePosition.newBuilder()
                .setEpoch(status.path("epoch").asInt())
                .setEpochId(ByteString.copyFrom(bytes))
                .build();
    }

    private static long lastSeq() throws Exception {
        return stage.status().path("queue").path("lastSeq").asLong();
    }

    private static int oid(String table) {
        try {
            return Integer.parseInt(stage.masterValue("SELECT 'public." + table + "'::regclass::oid::int"));
        } catch (java.sql.SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
