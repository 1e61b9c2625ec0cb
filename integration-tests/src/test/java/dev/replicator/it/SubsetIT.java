package dev.replicator.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Slaves with disjoint, overlapping, empty and whole-schema table sets receive exactly their tables. */
class SubsetIT {
    private static final String SCHEMA =
            """
            CREATE SCHEMA app;
            CREATE TABLE app.a (id int PRIMARY KEY, v text);
            CREATE TABLE app.b (id int PRIMARY KEY, v text);
            CREATE TABLE app.c (id int PRIMARY KEY, v text);
            CREATE TABLE app.secret (id int PRIMARY KEY, v text);
            INSERT INTO app.a SELECT i, 'a' || i FROM generate_series(1, 500) i;
            INSERT INTO app.b SELECT i, 'b' || i FROM generate_series(1, 500) i;
            INSERT INTO app.c SELECT i, 'c' || i FROM generate_series(1, 500) i;
            INSERT INTO app.secret SELECT i, 'TOPSECRETVALUE' || i FROM generate_series(1, 500) i;
            """;

    private static Replication replication;
    private static RecordingProxy proxy;

    @RegisterExtension
    static final DiagnosticsOnFailure DIAGNOSTICS = new DiagnosticsOnFailure(() -> replication);

    @BeforeAll
    static void start() throws Exception {
        replication = Replication.start(SCHEMA, "app.*");
        proxy = new RecordingProxy(replication.cluster().address());
        replication.cluster().routeSlavesThrough(proxy.address());
        replication.startSlave("left_side", "app.a");
        replication.startSlave("right_side", "app.b", "app.c");
        replication.startSlave("middle", "app.a", "app.b");
        replication.startSlave("nothing");
        replication.cluster().routeSlavesThrough(replication.cluster().address());
        replication.startSlave("everything", "app.*");
        replication.awaitInSync("left_side", 1);
        replication.awaitInSync("right_side", 2);
        replication.awaitInSync("middle", 2);
        replication.awaitInSync("everything", 4);
        replication.awaitInSync("nothing", 0);
        mixedTransactions();
    }

    @AfterAll
    static void stop() throws Exception {
        replication.close();
        proxy.close();
    }

    private static void mixedTransactions() throws Exception {
        try (Connection connection = replication.masterConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (int i = 1; i <= 200; i++) {
                statement.execute("UPDATE app.a SET v = v || '.' WHERE id = " + i);
                statement.execute("UPDATE app.secret SET v = 'TOPSECRETVALUE-changed' WHERE id = " + i);
                statement.execute("INSERT INTO app.b VALUES (" + (1000 + i) + ", 'new')");
                statement.execute("DELETE FROM app.c WHERE id = " + i);
                connection.commit();
            }
        }
    }

    @Test
    void shouldGiveEachSlaveExactlyItsTables() throws Exception {
        replication.assertEqualTables("left_side", "app.a");
        replication.assertEqualTables("right_side", "app.b", "app.c");
        replication.assertEqualTables("middle", "app.a", "app.b");
        replication.assertEqualTables("everything", "app.a", "app.b", "app.c", "app.secret");
        assertNull(replication.onSlave("left_side", "SELECT to_regclass('app.b')"));
        assertNull(replication.onSlave("middle", "SELECT to_regclass('app.c')"));
        assertNull(replication.onSlave("nothing", "SELECT to_regclass('app.a')"));
    }

    @Test
    void shouldMoveThePositionOfASlaveThatNeedsNothing() {
        replication.awaitApplied("nothing");
        long last = status("nothing");
        assertTrue(last >= 200, "applied seq of a slave without tables is " + last);
    }

    @Test
    void shouldNotSendOneByteOfATableTheSlaveDoesNotCarry() {
        for (String slave : new String[] {"left_side", "right_side", "middle", "nothing"}) {
            replication.awaitApplied(slave);
        }
        assertTrue(proxy.received("a200."), "the proxy sees the stream of the tables that are carried");
        assertFalse(proxy.received("TOPSECRET"), "bytes of app.secret were sent to a slave that does not carry it");
        assertFalse(proxy.received("secret"), "the name of app.secret was sent to a slave that does not carry it");
    }

    @Test
    void shouldNotLeaveOneByteOfAForeignTableInASlavesFiles() throws Exception {
        replication.awaitApplied("middle");
        replication.awaitApplied("right_side");
        for (String slave : new String[] {"left_side", "right_side", "middle", "nothing"}) {
            assertFalse(containsSecret(replication.cluster().data(slave)), slave + " holds bytes of app.secret");
            assertEquals(
                    "0",
                    replication.onSlave(
                            slave,
                            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                                    + " WHERE relname LIKE '%secret%'"));
        }
    }

    private static long status(String slave) {
        try {
            return replication.cluster().slaveStatus(slave).path("appliedSeq").asLong();
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static boolean containsSecret(Path directory) throws Exception {
        if (!Files.exists(directory)) {
            return false;
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                if (new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains("TOPSECRET")) {
                    return true;
                }
            }
        }
        return false;
    }
}
