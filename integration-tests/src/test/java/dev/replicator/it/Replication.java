package dev.replicator.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.launcher.local.DaemonProcess;
import dev.replicator.launcher.local.LauncherLine;
import dev.replicator.launcher.local.LocalCluster;
import dev.replicator.launcher.local.LocalSlave;
import dev.replicator.launcher.local.StatusWait;
import dev.replicator.launcher.local.TableDigest;
import dev.replicator.queue.TableName;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * One master server, one server with all slaves' databases, and the daemons as processes. The master's database is
 * {@code postgres}; each slave has a database of its own name.
 */
final class Replication implements AutoCloseable {
    static final String DATABASE = "postgres";
    private static final Duration LIMIT = Duration.ofSeconds(90);

    private final Path root;
    private final EmbeddedPostgres master;
    private final EmbeddedPostgres targets;
    private final LocalCluster cluster;
    private final List<DaemonProcess> daemons = new ArrayList<>();

    private Replication(Path root, Map<String, String> masterSettings) throws IOException {
        this.root = root;
        this.master = server("master", masterSettings);
        this.targets = server("targets", Map.of());
        this.cluster = new LocalCluster(root, LauncherLine.ofClassPath("256m"));
    }

    /** Servers run, daemons are not defined yet. */
    static Replication servers() throws IOException {
        return new Replication(Files.createTempDirectory("replicator-it-"), Map.of());
    }

    /** Master with the given schema, forwarder and capture of the given patterns started, no slaves yet. */
    static Replication start(String schemaSql, String... captured) throws Exception {
        Replication replication = servers();
        try {
            replication.master.execute(DATABASE, schemaSql);
            replication.startForwarderAndCapture("1GiB", captured);
            return replication;
        } catch (Exception e) {
            replication.close();
            throw e;
        }
    }

    void startForwarderAndCapture(String queueMaxSize, String... captured) throws IOException {
        run(cluster.defineForwarder(queueMaxSize, ""));
        run(cluster.defineCapture(master.jdbcUrl(DATABASE), "postgres", "postgres", List.of(captured), ""));
    }

    /** Starts a daemon and remembers it for diagnostics. */
    DaemonProcess run(DaemonProcess daemon) throws IOException {
        daemons.add(daemon);
        daemon.start();
        return daemon;
    }

    /** Makes a slave's database and files, tells the forwarder, and starts the daemon. */
    LocalSlave startSlave(String name, String... tables) throws Exception {
        LocalSlave slave = defineSlave(name, "", tables);
        run(slave.daemon());
        return slave;
    }

    /** Makes a slave's database and files and tells the forwarder; does not start the daemon. */
    LocalSlave defineSlave(String name, String extraYaml, String... tables) throws Exception {
        if (!databaseExists(name)) {
            targets.execute(DATABASE, "CREATE DATABASE " + name);
        }
        LocalSlave slave =
                cluster.defineSlave(name, targets.jdbcUrl(name), "postgres", "postgres", List.of(tables), extraYaml);
        reloadWhenUp();
        return slave;
    }

    /** Changes a slave's table set and reloads the forwarder. */
    void grant(String slave, String... tables) throws IOException {
        cluster.grant(slave, List.of(tables));
        cluster.admin("reload").orThrow();
    }

    LocalCluster cluster() {
        return cluster;
    }

    EmbeddedPostgres master() {
        return master;
    }

    EmbeddedPostgres targets() {
        return targets;
    }

    Path root() {
        return root;
    }

    Connection masterConnection() throws SQLException {
        return master.connect(DATABASE);
    }

    Connection slaveConnection(String slave) throws SQLException {
        return targets.connect(slave);
    }

    void onMaster(String... sql) throws SQLException {
        master.execute(DATABASE, sql);
    }

    /** First column of the first row, as text. */
    static String value(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            return result.next() ? result.getString(1) : null;
        }
    }

    String onSlave(String slave, String sql) throws SQLException {
        try (Connection connection = slaveConnection(slave)) {
            return value(connection, sql);
        }
    }

    StatusWait waiting() {
        return new StatusWait(cluster, LIMIT);
    }

    JsonNode awaitInSync(String slave, int tables) {
        return waiting().inSync(slave, tables);
    }

    /** Waits until a slave has applied all that the master had committed when this began. */
    void awaitApplied(String slave) {
        cluster.admin("wait", "--slave", slave, "--timeout", "90s").orThrow();
    }

    /** Waits for a table of a slave to be in a state. */
    JsonNode awaitTableState(String slave, String table, String state) {
        JsonNode status = waiting()
                .until(
                        slave + "'s " + table + " is " + state,
                        s -> tableOf(s, slave, table).path("state").asText().equals(state));
        return tableOf(status, slave, table);
    }

    static JsonNode tableOf(JsonNode status, String slave, String table) {
        for (JsonNode candidate : StatusWait.slaveOf(status, slave).path("tables")) {
            if (candidate.path("table").asText().equals(table)) {
                return candidate;
            }
        }
        return com.fasterxml.jackson.databind.node.MissingNode.getInstance();
    }

    /** Waits for the slave and compares its tables with the master's. */
    void assertEqualTables(String slave, String... tables) throws SQLException {
        awaitApplied(slave);
        assertSameRows(slave, tables);
    }

    /** Compares without waiting. */
    void assertSameRows(String slave, String... tables) throws SQLException {
        try (Connection left = masterConnection();
                Connection right = slaveConnection(slave)) {
            for (String text : tables) {
                TableName table = TableName.parse(text);
                TableDigest expected = TableDigest.read(left, table);
                assertNotNull(expected, text + " is not on the master");
                assertEquals(expected, TableDigest.read(right, table), text + " on slave " + slave);
            }
        }
    }

    /** What the daemons last said, for a failure's message. */
    String diagnostics() {
        StringBuilder text = new StringBuilder();
        for (DaemonProcess daemon : daemons) {
            text.append("\n--- ").append(daemon.name()).append(daemon.isAlive() ? " (alive)" : " (ended)");
            text.append('\n').append(daemon.tail(40));
        }
        text.append("\n--- status\n").append(cluster.admin("status").output());
        return text.toString();
    }

    @Override
    public void close() {
        cluster.close();
        try (targets) {
            master.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void reloadWhenUp() {
        if (cluster.forwarder() != null && cluster.forwarder().isAlive()) {
            waiting().until("the forwarder answers", status -> true);
            cluster.admin("reload").orThrow();
        }
    }

    private boolean databaseExists(String name) throws SQLException {
        try (Connection connection = targets.connect(DATABASE)) {
            return value(connection, "SELECT 1 FROM pg_database WHERE datname = '" + name + "'") != null;
        }
    }

    private EmbeddedPostgres server(String name, Map<String, String> settings) throws IOException {
        return EmbeddedPostgres.builder()
                .dataDirectory(root.resolve(name))
                .durable(true)
                .setting("shared_buffers", "64MB")
                .setting("max_connections", "80")
                .setting("max_prepared_transactions", "5")
                .settings(settings)
                .start();
    }
}
