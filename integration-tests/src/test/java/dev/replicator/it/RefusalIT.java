package dev.replicator.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.launcher.local.AdminResult;
import dev.replicator.launcher.local.DaemonProcess;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What an operator gets wrong: one clear message each, exit code 2 where it is configuration, nobody else disturbed. */
class RefusalIT {
    private static Replication replication;

    @RegisterExtension
    static final DiagnosticsOnFailure DIAGNOSTICS = new DiagnosticsOnFailure(() -> replication);

    @BeforeAll
    static void start() throws Exception {
        replication = Replication.start(
                "CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY); CREATE TABLE app.keyless (v int);"
                        + " CREATE TABLE app.hidden (id int PRIMARY KEY); INSERT INTO app.hidden VALUES (1);"
                        + " CREATE ROLE poor LOGIN;",
                "app.*");
        replication.startSlave("good", "app.t");
        replication.awaitInSync("good", 1);
    }

    @AfterAll
    static void stop() {
        replication.close();
    }

    @Test
    void shouldRefuseAnUnknownKeyWithTheNearestKnownOne() throws Exception {
        Path file = replication.cluster().configDirectory().resolve("forwarder.yaml");
        Path broken = replication.cluster().configDirectory().resolve("broken.yaml");
        Files.writeString(broken, Files.readString(file).replace("listen:", "lisen:") + "cluster: twice\n");
        DaemonProcess daemon = daemon("broken", "forwarder", broken);
        assertExit(2, daemon);
        assertTrue(daemon.tail(20).contains("lisen") && daemon.tail(20).contains("listen"), daemon.tail(20));
    }

    @Test
    void shouldSayThatThePortIsInUse() throws Exception {
        Path file = replication.cluster().configDirectory().resolve("forwarder.yaml");
        Path second = replication.cluster().configDirectory().resolve("second.yaml");
        String other = replication.root().resolve("elsewhere").toString();
        Files.writeString(
                second,
                Files.readString(file)
                        .replace(replication.cluster().data("forwarder").toString(), other)
                        .replaceAll("(?m)^http:.*$", ""));
        DaemonProcess daemon = daemon("second", "forwarder", second);
        assertExit(2, daemon);
        String port = replication.cluster().address().split(":")[1];
        assertTrue(daemon.tail(20).contains(port), daemon.tail(20));
    }

    @Test
    void shouldRefuseAWrongTokenAndNameIt() throws Exception {
        Path token = replication.cluster().configDirectory().resolve("wrong.token");
        Files.writeString(token, "not-a-token\n");
        AdminResult result = adminWith(token);
        assertTrue(result.exitCode() != 0);
        assertTrue(result.errors().contains("token"), result.errors());
    }

    @Test
    void shouldSurviveGarbageOnThePort() throws Exception {
        int port = Integer.parseInt(replication.cluster().address().split(":")[1]);
        byte[] garbage = new byte[4096];
        new Random(1).nextBytes(garbage);
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            OutputStream out = socket.getOutputStream();
            out.write(garbage);
            out.write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        }
        replication.onMaster("INSERT INTO app.t SELECT coalesce(max(id), 0) + 1 FROM app.t");
        replication.assertEqualTables("good", "app.t");
    }

    @Test
    void shouldNameATableWithoutReplicaIdentityAndNotHarmTheMaster() throws Exception {
        replication.onMaster(
                "INSERT INTO app.keyless VALUES (1)", "UPDATE app.keyless SET v = 2", "DELETE FROM app.keyless");
        String tables = replication.cluster().admin("tables").orThrow();
        String line = tables.lines()
                .filter(text -> text.contains("app.keyless"))
                .findFirst()
                .orElse(tables);
        assertTrue(line.toLowerCase(java.util.Locale.ROOT).contains("replica identity"), line);
    }

    @Test
    void shouldNotSendATableThatIsNotGranted() throws Exception {
        assertFalse(replication.cluster().status().toString().contains("app.hidden\",\"state"));
        assertEquals(null, replication.onSlave("good", "SELECT to_regclass('app.hidden')"));
    }

    @Test
    void shouldFailAReloadOfABrokenFileAndChangeNothing() throws Exception {
        Path broken = replication.cluster().configDirectory().resolve("slaves.d/zz-broken.yaml");
        Files.writeString(broken, "slave: zz\ntoken: x\ntabels: [app.t]\n");
        AdminResult result = replication.cluster().admin("reload");
        Files.delete(broken);
        assertTrue(result.exitCode() != 0);
        String text = result.errors() + result.output();
        assertTrue(text.contains("zz-broken.yaml") && text.contains("tabels"), text);
        assertEquals(1, replication.cluster().status().path("slaves").size());
    }

    @Test
    void shouldRefuseToCaptureWithWalLevelReplica() throws Exception {
        try (EmbeddedPostgres server =
                EmbeddedPostgres.builder().setting("wal_level", "replica").start()) {
            DaemonProcess daemon = secondCapture(server.jdbcUrl("postgres"), "postgres");
            assertExit(2, daemon);
            assertTrue(daemon.tail(20).contains("wal_level"), daemon.tail(20));
        }
    }

    @Test
    void shouldSayWhichRightOnTheMasterIsMissing() throws Exception {
        DaemonProcess daemon = secondCapture(
                replication.master().jdbcUrl(Replication.DATABASE).replace("user=postgres", "user=poor"), "poor");
        assertExit(2, daemon);
        assertTrue(daemon.tail(20).contains("REPLICATION"), daemon.tail(20));
    }

    private static DaemonProcess secondCapture(String url, String user) throws Exception {
        Path file = replication.cluster().configDirectory().resolve("capture-" + user + ".yaml");
        Files.writeString(
                file,
                "cluster: other\nsource: {engine: postgres, url: \"" + url + "\", user: " + user
                        + ", password: \"${env:HOME}\"}\ntables: [\"app.*\"]\n"
                        + "queue: {directory: " + replication.root().resolve("capture-" + user) + "}\n"
                        + "forwarder: {address: \"" + replication.cluster().address() + "\", token: \"${file:"
                        + replication.cluster().tokenFile("capture") + "}\"}\n");
        return daemon("capture-" + user, "capture", file);
    }

    private static DaemonProcess daemon(String name, String command, Path config) throws Exception {
        List<String> line = new java.util.ArrayList<>(dev.replicator.launcher.local.LauncherLine.ofClassPath("128m"));
        line.addAll(List.of(command, "--config", config.toString()));
        DaemonProcess daemon = new DaemonProcess(name, line, replication.root().resolve(name + ".log"));
        daemon.start();
        return daemon;
    }

    private static void assertExit(int expected, DaemonProcess daemon) throws Exception {
        OptionalInt exit = daemon.awaitExit(Duration.ofSeconds(30));
        String log = daemon.tail(20);
        daemon.close();
        assertEquals(OptionalInt.of(expected), exit, log);
        assertFalse(log.contains("\tat "), "a stack trace without --verbose: " + log);
    }

    private static AdminResult adminWith(Path token) {
        java.io.StringWriter out = new java.io.StringWriter();
        java.io.StringWriter err = new java.io.StringWriter();
        int exit = dev.replicator.runtime.cli.CliErrors.install(
                        new picocli.CommandLine(new dev.replicator.forwarder.AdminCommand()))
                .setOut(new java.io.PrintWriter(out, true))
                .setErr(new java.io.PrintWriter(err, true))
                .execute("--forwarder", replication.cluster().address(), "--token-file", token.toString(), "status");
        return new AdminResult(exit, out.toString(), err.toString());
    }
}
