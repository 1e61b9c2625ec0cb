package dev.replicator.it.packaging;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.embedded.Await;
import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.it.packaging.InstalledRoot.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a package installs, used as an operator uses it. */
final class PackagingIT {
    private static final String FORWARDER = "forwarder";
    private static final String VERSION = "--version";

    @TempDir
    Path directory;

    private InstalledRoot root;
    private int port;

    @BeforeEach
    void install() throws IOException, InterruptedException {
        root = InstalledRoot.unpack(Packages.archive(), directory);
        port = InstalledRoot.freePort();
        root.write("etc/replicator/capture.token", "capture-token\n");
        root.write("etc/replicator/admin.token", "admin-token\n");
        root.write("etc/replicator/reporting.token", "reporting-token\n");
        root.write(
                "etc/replicator/slaves.d/reporting.yaml",
                "slave: reporting\ntoken: \"${file:../reporting.token}\"\ntables: [public.orders]\n");
        root.configure(
                "etc/replicator/forwarder.yaml",
                Map.of("127.0.0.1:7700", "127.0.0.1:" + port, "127.0.0.1:7780", "127.0.0.1:0"));
    }

    @AfterEach
    void end() throws IOException {
        root.close();
    }

    @Test
    void shouldDriveADaemonThroughItsWholeLife() throws Exception {
        assertResult(3, "does not run", root.init(FORWARDER, "status"));

        assertResult(0, "started (pid", root.init(FORWARDER, "start"));
        long first = root.pid(FORWARDER);
        assertResult(0, "runs (pid " + first, root.init(FORWARDER, "status"));
        assertResult(0, "runs already", root.init(FORWARDER, "start"));
        assertEquals(first, root.pid(FORWARDER));

        root.write(
                "etc/replicator/slaves.d/second.yaml",
                "slave: second\ntoken: \"${file:../second.token}\"\ntables: []\n");
        root.write("etc/replicator/second.token", "second-token\n");
        assertResult(0, "told to reload", root.init(FORWARDER, "reload"));
        Await.until("the new slave is known", Duration.ofSeconds(20), () -> admin("slave", "list")
                .output()
                .contains("second"));

        assertResult(0, "started (pid", root.init(FORWARDER, "restart"));
        assertNotEquals(first, root.pid(FORWARDER));
        Await.until("the first process is gone", Duration.ofSeconds(10), () -> ProcessHandle.of(first)
                .filter(ProcessHandle::isAlive)
                .isEmpty());

        assertResult(0, "stopped", root.init(FORWARDER, "stop"));
        assertResult(3, "does not run", root.init(FORWARDER, "status"));
        assertResult(0, "does not run", root.init(FORWARDER, "stop"));
        assertResult(7, "does not run", root.init(FORWARDER, "reload"));
        assertResult(2, "usage", root.init(FORWARDER, "begin"));
    }

    @Test
    void shouldSayWhatKeepsADaemonFromStarting() throws Exception {
        Path config = root.path("etc/replicator/forwarder.yaml");
        String good = Files.readString(config);

        Files.writeString(config, good + "qeue: {}\n");
        Result start = root.init(FORWARDER, "start");
        assertResult(1, "could not start", start);
        assertTrue(start.output().contains("did you mean \"queue\"?"), start.output());
        assertResult(3, "does not run", root.init(FORWARDER, "status"));

        Files.delete(config);
        assertResult(6, "there is no configuration", root.init(FORWARDER, "start"));
    }

    @Test
    void shouldTellAKilledDaemonFromAStoppedOne() throws Exception {
        assertResult(0, "started (pid", root.init(FORWARDER, "start"));
        ProcessHandle process = ProcessHandle.of(root.pid(FORWARDER)).orElseThrow();
        process.destroyForcibly();
        process.onExit().join();

        assertResult(1, "left", root.init(FORWARDER, "status"));
        assertResult(0, "started (pid", root.init(FORWARDER, "start"));
        assertResult(0, "stopped", root.init(FORWARDER, "stop"));
    }

    @Test
    void shouldReplicateWithTheShippedConfiguration() throws Exception {
        try (EmbeddedPostgres master = EmbeddedPostgres.builder()
                        .setting("wal_level", "logical")
                        .start();
                EmbeddedPostgres target = EmbeddedPostgres.start()) {
            master.execute("postgres", "CREATE TABLE orders (id int PRIMARY KEY, item text)");
            master.execute("postgres", "INSERT INTO orders VALUES (1, 'before')");
            configureDatabases(master, target, EmbeddedPostgres.USER);

            for (String daemon : InstalledRoot.DAEMONS) {
                assertResult(0, "started (pid", root.init(daemon, "start"));
                assertResult(0, "runs (pid", root.init(daemon, "status"));
            }
            master.execute("postgres", "INSERT INTO orders VALUES (2, 'after')");

            Await.until(
                    "both rows are on the slave",
                    Duration.ofSeconds(60),
                    () -> rows(target).equals("1 before, 2 after"),
                    this::logs);
            assertResult(0, "told to reload", root.init("capture", "reload"));
            assertResult(0, "told to reload", root.init("slave", "reload"));
            assertResult(0, "started (pid", root.init("capture", "restart"));
            assertResult(0, "started (pid", root.init("slave", "restart"));
            master.execute("postgres", "DELETE FROM orders WHERE id = 1");
            Await.until(
                    "the deletion is on the slave",
                    Duration.ofSeconds(60),
                    () -> rows(target).equals("2 after"),
                    this::logs);
            for (String daemon : InstalledRoot.DAEMONS) {
                assertResult(0, "stopped", root.init(daemon, "stop"));
            }
        }
    }

    @Test
    void shouldNameEverythingThatIsMissingInOneRun() throws Exception {
        try (EmbeddedPostgres server =
                EmbeddedPostgres.builder().setting("wal_level", "replica").start()) {
            server.execute(
                    "postgres",
                    "CREATE TABLE orders (id int PRIMARY KEY)",
                    "CREATE TABLE keyless (id int)",
                    "CREATE ROLE weak LOGIN PASSWORD 'postgres'");
            configureDatabases(server, server, "weak");

            Result capture = preflight("capture");
            assertResult(2, "MISSING  wal_level: is replica", capture);
            assertResult(2, "lacks REPLICATION", capture);
            assertResult(2, "MISSING  public.keyless", capture);
            assertResult(2, "GRANT SELECT ON", capture);
            assertResult(2, "MISSING  forwarder: cannot call", capture);

            Result slave = preflight("slave");
            assertResult(2, "GRANT CREATE ON DATABASE postgres TO", slave);
            assertResult(2, "session_replication_role", slave);
            assertResult(2, "MISSING  forwarder: cannot call", slave);

            assertResult(0, "started (pid", root.init(FORWARDER, "start"));
            assertFalse(preflight("capture").output().contains("forwarder: cannot call"));
            root.write("etc/replicator/reporting.token", "another\n");
            assertResult(2, "the token is not one that this forwarder knows", preflight("slave"));
            assertResult(0, "stopped", root.init(FORWARDER, "stop"));
        }
    }

    @Test
    void shouldStartFromAnArchiveOfItsClassesIfThereIsAGoodOne() throws Exception {
        // With this option Java ends at once if it cannot use the archive.
        Map<String, String> required = Map.of("REPLICATOR_OPTS", "-Xshare:on -Xlog:class+load");
        String fromArchive = "dev.replicator.launcher.Main source: shared objects file";
        assertFalse(root.replicator(required, VERSION).output().contains(fromArchive));

        assertResult(0, "", root.replicator(Map.of(), "--make-archive"));
        assertResult(0, fromArchive, root.replicator(required, VERSION));
        assertEquals(1, archives().size(), archives().toString());

        // What would have to be refused is not even an annoyance.
        Files.setLastModifiedTime(launcherJar(), FileTime.from(Instant.EPOCH));
        assertOnlyTheVersion();
        Files.write(archives().get(0), new byte[1 << 20]);
        assertOnlyTheVersion();

        assertResult(0, "", root.replicator(Map.of(), "--make-archive"));
        assertResult(0, fromArchive, root.replicator(required, VERSION));
        assertEquals(1, archives().size(), archives().toString());
    }

    private void assertOnlyTheVersion() throws Exception {
        Result version = root.replicator(Map.of(), VERSION);
        assertResult(0, "replicator ", version);
        assertEquals(1, version.output().lines().count(), version.output());
    }

    private List<Path> archives() throws IOException {
        try (Stream<Path> files = Files.list(root.path("usr/lib/replicator"))) {
            return files.filter(file -> file.toString().endsWith(".jsa")).toList();
        }
    }

    private Path launcherJar() throws IOException {
        try (Stream<Path> files = Files.list(root.path("usr/lib/replicator"))) {
            return files.filter(file -> file.getFileName().toString().startsWith("launcher-"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    @Test
    void shouldHoldTheSameFilesInBothPackages() throws IOException {
        Map<String, Packages.Entry> archive = new TreeMap<>(Packages.filesOfArchive());
        Map<String, Packages.Entry> deb = Packages.filesOfDeb();

        assertEquals(archive, deb);
        for (String daemon : InstalledRoot.DAEMONS) {
            assertTrue(deb.get("etc/init.d/replicator-" + daemon).executable());
            assertTrue(deb.containsKey("lib/systemd/system/replicator-" + daemon + ".service"));
            assertTrue(deb.containsKey("etc/replicator/" + daemon + ".yaml"));
        }
        assertTrue(deb.get("usr/bin/replicator").executable());
        assertTrue(deb.keySet().stream().anyMatch(path -> path.matches("usr/lib/replicator/launcher-.*\\.jar")));
    }

    @Test
    void shouldKeepAnOperatorsSettingsOnUpgrade() throws IOException {
        Map<String, String> control = Packages.controlOfDeb();

        assertTrue(control.get("postinst").contains("adduser --system --group"), control.get("postinst"));
        assertTrue(control.get("triggers").contains("/usr/lib/jvm"), control.toString());
        Packages.filesOfDeb().keySet().stream()
                .filter(path -> path.startsWith("etc/") && !path.endsWith("README"))
                .forEach(path -> assertTrue(
                        control.get("conffiles").lines().anyMatch(("/" + path)::equals), path + " is no conffile"));
    }

    private void configureDatabases(EmbeddedPostgres master, EmbeddedPostgres target, String user) throws IOException {
        String forwarder = "127.0.0.1:" + port;
        root.configure(
                "etc/replicator/capture.yaml",
                Map.of(
                        "localhost:7700", forwarder,
                        "jdbc:postgresql://localhost:5432/shop",
                                "jdbc:postgresql://127.0.0.1:" + master.port() + "/postgres",
                        "user: replicator", "user: " + user));
        root.configure(
                "etc/replicator/slave.yaml",
                Map.of(
                        "localhost:7700", forwarder,
                        "jdbc:postgresql://localhost:5432/shop",
                                "jdbc:postgresql://127.0.0.1:" + target.port() + "/postgres",
                        "user: replicator", "user: " + user));
        for (String daemon : InstalledRoot.DAEMONS) {
            Path defaults = root.path("etc/default/replicator-" + daemon);
            Files.writeString(
                    defaults, Files.readString(defaults) + "SOURCE_PASSWORD=postgres\nTARGET_PASSWORD=postgres\n");
        }
    }

    private Result preflight(String daemon) throws IOException, InterruptedException {
        Map<String, String> passwords = Map.of("SOURCE_PASSWORD", "postgres", "TARGET_PASSWORD", "postgres");
        String config = root.path("etc/replicator/" + daemon + ".yaml").toString();
        return root.replicator(passwords, "preflight", "--config", config);
    }

    private Result admin(String... arguments) throws IOException, InterruptedException {
        String[] command = new String[arguments.length + 5];
        command[0] = "admin";
        command[1] = "--forwarder";
        command[2] = "127.0.0.1:" + port;
        command[3] = "--token-file";
        command[4] = root.path("etc/replicator/admin.token").toString();
        System.arraycopy(arguments, 0, command, 5, arguments.length);
        return root.replicator(Map.of(), command);
    }

    private String logs() {
        StringBuilder text = new StringBuilder();
        for (String daemon : InstalledRoot.DAEMONS) {
            try {
                text.append("--- ").append(daemon).append('\n').append(root.log(daemon));
            } catch (IOException e) {
                text.append(e).append('\n');
            }
        }
        return text.toString();
    }

    private static String rows(EmbeddedPostgres server) throws Exception {
        try (Connection connection = server.connect("postgres");
                Statement statement = connection.createStatement();
                ResultSet rows =
                        statement.executeQuery("SELECT string_agg(id || ' ' || item, ', ' ORDER BY id) FROM orders")) {
            rows.next();
            return String.valueOf(rows.getString(1));
        }
    }

    private static void assertResult(int code, String text, Result result) {
        assertEquals(code, result.code(), result.output());
        assertTrue(result.output().contains(text), () -> "expected \"" + text + "\" in:\n" + result.output());
    }
}
