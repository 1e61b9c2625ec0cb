package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.embedded.Await;
import dev.replicator.it.FaultyProxy;
import dev.replicator.it.FaultyProxy.Late;
import dev.replicator.it.FaultyProxy.Way;
import dev.replicator.launcher.local.DaemonProcess;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The failure matrix between the daemons: cut, half-open, stalled and reordered connections, flipped bits, garbage and
 * strangers on the port. Capture and slave "far" reach the forwarder through proxies, slave "near" directly.
 */
class BrokenLinksIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String DAMAGE = "was damaged on its way";
    private static final String ZSTD_MAGIC = "(\u00b5/\u00fd";

    private static Stage stage;
    private static FaultyProxy captureLink;
    private static FaultyProxy slaveLink;
    private static int next = 1;

    @BeforeAll
    static void start() throws Exception {
        stage = Stage.open("CREATE TABLE t (id int PRIMARY KEY, v text)");
        captureLink = new FaultyProxy(stage.cluster().address());
        slaveLink = new FaultyProxy(stage.cluster().address());
        stage.cluster().routeCaptureThrough(captureLink.address());
        stage.startMasterSide("public.*");
        stage.startSlave("near", "public.t");
        stage.cluster().routeSlavesThrough(slaveLink.address());
        stage.startSlave("far", "public.*");
        stage.cluster().routeSlavesThrough(stage.cluster().address());
        stage.awaitInSync("near", 1);
        stage.awaitInSync("far", 1);
    }

    @AfterAll
    static void stop() throws Exception {
        stage.close();
        captureLink.close();
        slaveLink.close();
    }

    @Test
    void shouldFindAFlippedByteOnTheWayToTheForwarder() throws Exception {
        int damages = damages();
        int flips = captureLink.flips();
        captureLink.flipNext(Way.TO_SERVER, "sent by capture");
        insert("sent by capture");
        captureLink.awaitFlip(flips);
        awaitDamages(damages + 1);
        assertEverywhere();
    }

    @Test
    void shouldFindAFlippedByteOnTheWayToASlave() throws Exception {
        int damages = damages();
        int flips = slaveLink.flips();
        slaveLink.flipNext(Way.TO_CLIENT, "sent to far");
        insert("sent to far");
        slaveLink.awaitFlip(flips);
        awaitDamages(damages + 1);
        assertEverywhere();
    }

    /** What no checksum of a record covers: a definition in a manifest, which the slave would execute. */
    @Test
    void shouldFindAFlippedByteInADefinitionAndInAChunk() throws Exception {
        int damages = damages();
        int up = captureLink.flips();
        int down = slaveLink.flips();
        captureLink.flipNext(Way.TO_SERVER, "default on its way up");
        slaveLink.flipNext(Way.TO_CLIENT, "default on its way down");
        stage.onMaster(
                "CREATE TABLE dumped (id int PRIMARY KEY, a text DEFAULT 'default on its way up',"
                        + " b text DEFAULT 'default on its way down')",
                "INSERT INTO dumped SELECT i, repeat('x', 100), i::text FROM generate_series(1, 1000) i");
        captureLink.awaitFlip(up);
        slaveLink.awaitFlip(down);
        awaitDamages(damages + 2);
        stage.awaitTableState("far", "public.dumped", "in-sync");
        stage.assertEqualTables("far", "public.dumped");
        String defaults = "SELECT string_agg(pg_get_expr(adbin, adrelid), ', ' ORDER BY adnum) FROM pg_attrdef"
                + " WHERE adrelid = 'public.dumped'::regclass";
        assertEquals(stage.masterValue(defaults), stage.slaveValue("far", defaults));

        captureLink.flipNext(Way.TO_SERVER, ZSTD_MAGIC);
        slaveLink.flipNext(Way.TO_CLIENT, ZSTD_MAGIC);
        stage.admin("slave", "resync", "far", "--table", "public.dumped").orThrow();
        captureLink.awaitFlip(up + 1);
        slaveLink.awaitFlip(down + 1);
        awaitDamages(damages + 4);
        stage.awaitTableState("far", "public.dumped", "in-sync");
        stage.assertEqualTables("far", "public.dumped");
    }

    @Test
    void shouldGoOnBehindEveryCut() throws Exception {
        for (int cut = 0; cut < 6; cut++) {
            FaultyProxy link = cut % 2 == 0 ? captureLink : slaveLink;
            int connections = link.connections();
            // Two megabytes that do not compress are on their way when the connection goes.
            stage.onMaster(
                    "INSERT INTO t SELECT " + next + " + i, (SELECT string_agg(md5(random()::text || g || i), '')"
                            + " FROM generate_series(1, 100) g) FROM generate_series(0, 600) i");
            next += 601;
            link.cut();
            link.awaitMoreThan(connections);
        }
        assertEverywhere();
    }

    /** Both ends believe in connections that carry nothing any more: only keepalives can tell. */
    @Test
    void shouldNoticeConnectionsThatAreHalfOpen() throws Exception {
        int captures = captureLink.connections();
        int slaves = slaveLink.connections();
        captureLink.swallow();
        slaveLink.swallow();
        insert("while nothing arrives");
        captureLink.awaitMoreThan(captures);
        slaveLink.awaitMoreThan(slaves);
        assertEverywhere();
    }

    /** One slave's path carries nothing for a while; the other one gets what is many times what lies in buffers. */
    @Test
    void shouldNotLetAStalledSlaveDisturbAnother() throws Exception {
        stage.assertEqualTables("far", "public.t");
        String before = stage.slaveValue("far", "SELECT count(*) FROM t");
        slaveLink.stall();
        stage.onMaster("INSERT INTO t SELECT " + next + " + i, (SELECT string_agg(md5(random()::text || g || i), '')"
                + " FROM generate_series(1, 300) g) FROM generate_series(0, 2000) i");
        next += 2001;
        stage.assertEqualTables("near", "public.t");
        assertEquals(before, stage.slaveValue("far", "SELECT count(*) FROM t"));
        slaveLink.carry();
        assertEverywhere();
    }

    /** Capture gave a connection up and sent its records again on a new one; then the old bytes arrive. */
    @Test
    void shouldIgnoreWhatAnOldConnectionDeliversLate() throws Exception {
        assertEverywhere();
        long seq = lastSeq();
        int connections = captureLink.connections();
        List<Late> late = captureLink.keepWhatClientsSend();
        insert("on the slow path");
        Await.until("the record is on its way", PATIENCE, () -> late.stream()
                .anyMatch(link -> link.keeps("on the slow path")));
        for (Late link : late) {
            link.abandonClient();
        }
        captureLink.awaitMoreThan(connections);
        assertEverywhere();
        for (Late link : late) {
            link.deliver();
        }
        insert("behind it");
        assertEverywhere();
        assertEquals(seq + 2, lastSeq());
    }

    /** Strangers hold connections open that say garbage, half a request, or nothing; everybody else goes on. */
    @Test
    void shouldNotBeDisturbedByGarbageOnThePort() throws Exception {
        byte[] garbage = new byte[5000];
        new Random(7).nextBytes(garbage);
        byte[] halfHttp2 = ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\0\0\0\4\0\0\0\0\0"
                        + "\0\0\144\1\4\0\0\0\1half a header")
                .getBytes(StandardCharsets.ISO_8859_1);
        byte[] http1 = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
        List<Socket> strangers = new ArrayList<>();
        String[] address = stage.cluster().address().split(":");
        try {
            for (int i = 0; i < 60; i++) {
                Socket socket = new Socket(address[0], Integer.parseInt(address[1]));
                strangers.add(socket);
                OutputStream out = socket.getOutputStream();
                out.write(List.of(garbage, halfHttp2, http1, new byte[0]).get(i % 4));
            }
            insert("among strangers");
            assertEverywhere();
        } finally {
            for (Socket socket : strangers) {
                socket.close();
            }
        }
    }

    /** A slave with a token that is not its own says so, the forwarder names its address, nobody else notices. */
    @Test
    void shouldRefuseASlaveWithAWrongToken() throws Exception {
        stage.defineSlave("stranger", "", "public.t");
        Path wrong = stage.cluster().configDirectory().resolve("wrong.token");
        Files.writeString(wrong, "guessed-token\n");
        Path yaml = stage.cluster().configDirectory().resolve("slave-stranger.yaml");
        Files.writeString(
                yaml,
                Files.readString(yaml)
                        .replace(stage.cluster().tokenFile("stranger").toString(), wrong.toString()));
        int refusals = stage.log().matching("Refused a call").size();
        try (DaemonProcess daemon = stage.cluster().slave("stranger").daemon()) {
            daemon.start();
            Await.until(
                    "the stranger is refused",
                    PATIENCE,
                    () -> stage.log().matching("Refused a call").size() > refusals);
            Await.until("the stranger says why", PATIENCE, () -> daemon.tail(20)
                    .contains("the token is not one that this forwarder knows"));
        }
        List<String> refused = stage.log().matching("Refused a call");
        assertTrue(refused.get(refused.size() - 1).contains("peer=\"/127.0.0.1:"), refused.toString());
        assertTrue(refused.stream().noneMatch(line -> line.contains("guessed-token")), refused.toString());
        insert("while a stranger knocks");
        assertEverywhere();
    }

    private static void insert(String text) throws Exception {
        stage.onMaster("INSERT INTO t VALUES (" + next++ + ", '" + text + "')");
    }

    /** {@code admin wait} refuses at once while capture is away, which it is for a moment behind a fault. */
    private static void assertEverywhere() throws Exception {
        for (String slave : List.of("near", "far")) {
            Await.until(
                    slave + " has applied all",
                    PATIENCE,
                    () -> stage.admin("wait", "--slave", slave, "--timeout", "60s")
                                    .exitCode()
                            == 0);
            stage.assertSameRows(slave, "public.t");
        }
    }

    private static int damages() {
        return stage.log().matching(DAMAGE).size();
    }

    private static void awaitDamages(int count) {
        Await.until("damage is found and logged", PATIENCE, () -> damages() >= count);
    }

    private static long lastSeq() throws Exception {
        return stage.status().path("queue").path("lastSeq").asLong();
    }
}
