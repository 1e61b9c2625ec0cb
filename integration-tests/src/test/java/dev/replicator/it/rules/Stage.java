package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.replicator.capture.CaptureConfig;
import dev.replicator.capture.CaptureDaemon;
import dev.replicator.embedded.Await;
import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.forwarder.ForwarderConfig;
import dev.replicator.forwarder.ForwarderDaemon;
import dev.replicator.launcher.Main;
import dev.replicator.launcher.local.AdminResult;
import dev.replicator.launcher.local.DaemonProcess;
import dev.replicator.launcher.local.LauncherLine;
import dev.replicator.launcher.local.LocalCluster;
import dev.replicator.launcher.local.StatusWait;
import dev.replicator.launcher.local.TableDigest;
import dev.replicator.queue.Lsn;
import dev.replicator.queue.TableName;
import dev.replicator.slave.SlaveConfig;
import dev.replicator.slave.SlaveDaemon;
import dev.replicator.slave.SlavePreflight;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;

/**
 * One master database, slaves' databases, and the real daemons in this process, each started and stopped by the test.
 * Databases are this stage's own; the servers are shared unless a test has to stop or copy its master. Every daemon can
 * also run as a process of its own, through {@link #cluster()}, where it has to be killed or stopped by a signal.
 */
final class Stage implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String SLOT = "replicator_shop";
    private static int stages;

    private final Path root;
    private final String database;
    private final EmbeddedPostgres master;
    private final boolean ownsMaster;
    private final EmbeddedPostgres targets;
    private final LocalCluster cluster;
    private final RecordedLog log = new RecordedLog();
    private final List<Session> sessions = new ArrayList<>();
    private final List<String> slaveDatabases = new ArrayList<>();
    private final Map<String, SlaveDaemon> slaves = new LinkedHashMap<>();
    private String role = EmbeddedPostgres.USER;
    private final Disks disks = new Disks(this);
    private String spoolOptions;
    private int newEpochs;
    private boolean holdsCommits;
    private ForwarderDaemon forwarder;
    private CaptureDaemon capture;

    private Stage(EmbeddedPostgres master, boolean ownsMaster, String... schemaSql) throws Exception {
        this.root = Files.createTempDirectory("replicator-rules-");
        this.database = "m" + ++stages;
        this.master = master;
        this.ownsMaster = ownsMaster;
        this.targets = SharedServers.targets();
        this.cluster = new LocalCluster(root, LauncherLine.ofClassPath("192m"));
        master.execute("postgres", "CREATE DATABASE " + database);
        master.execute(database, schemaSql);
        cluster.defineForwarder("1GiB", "");
    }

    /** A master database on a server that the caller owns; no daemon runs yet. */
    static Stage on(EmbeddedPostgres master, String... schemaSql) throws Exception {
        return new Stage(master, false, schemaSql);
    }

    /** A master database with the given schema on the shared server; no daemon runs yet. */
    static Stage open(String... schemaSql) throws Exception {
        return new Stage(SharedServers.master(), false, schemaSql);
    }

    /** The same on a server of its own, which the test may stop, kill, copy and configure. */
    static Stage withOwnMaster(Map<String, String> settings, String... schemaSql) throws Exception {
        return new Stage(SharedServers.start(settings), true, schemaSql);
    }

    /** Daemons defined from now on work under another role than the superuser, on both servers. */
    Stage workAs(String otherRole) {
        role = otherRole;
        return this;
    }

    // Daemons

    /** Forwarder and capture of the given patterns. */
    Stage startMasterSide(String... captured) throws Exception {
        startForwarder();
        defineCapture("", captured);
        startCapture();
        return this;
    }

    /** Writes forwarder.yaml anew: queue size and further lines. */
    void defineForwarder(String queueMaxSize, String extraYaml) throws IOException {
        cluster.defineForwarder(queueMaxSize, extraYaml);
    }

    void startForwarder() throws IOException {
        forwarder = new ForwarderDaemon(ForwarderConfig.load(config("forwarder.yaml")));
        forwarder.start();
    }

    void stopForwarder() {
        if (forwarder != null) {
            forwarder.close();
            forwarder = null;
        }
    }

    /** Writes capture.yaml: further lines and patterns. */
    void defineCapture(String extraYaml, String... captured) throws IOException {
        cluster.defineCapture(url(master, database), role, "postgres", List.of(captured), extraYaml);
        if (spoolOptions != null) {
            Path file = config("capture.yaml");
            Files.writeString(
                    file, Files.readString(file).replace("max-size: 2GiB}", "max-size: 2GiB, " + spoolOptions + "}"));
        }
    }

    /** Further options of capture's spool, for example {@code segment-size: 64KiB}, as defined from now on. */
    Stage withSpool(String options) {
        spoolOptions = options;
        return this;
    }

    /** Takes over what capture.yaml says of tables now. */
    void reloadCapture() {
        capture.reload();
    }

    /** Changes a text of a configuration file that was written before. */
    void configure(String file, String from, String to) throws IOException {
        String text = Files.readString(config(file));
        if (!text.contains(from)) {
            throw new IllegalArgumentException("'" + from + "' is not in " + text);
        }
        Files.writeString(config(file), text.replace(from, to));
    }

    /**
     * What an operator does when continuity is lost: {@code capture --new-epoch --yes}, as a process of its own. It is
     * ended again once the epoch has begun.
     *
     * @return what the command printed
     */
    String beginNewEpoch() throws IOException, InterruptedException {
        List<String> line = new ArrayList<>(LauncherLine.ofClassPath("192m"));
        line.addAll(List.of("capture", "--config", config("capture.yaml").toString(), "--new-epoch", "--yes"));
        Path output = root.resolve("new-epoch-" + ++newEpochs + ".log");
        try (DaemonProcess process = new DaemonProcess("new epoch", line, output)) {
            process.start();
            Await.until(
                    "a new epoch has begun",
                    PATIENCE,
                    () -> Files.readString(output).contains("Begun: ") || !process.isAlive(),
                    () -> process.tail(50));
            String printed = Files.readString(output);
            assertTrue(printed.contains("Begun: "), printed);
            return printed;
        }
    }

    void startCapture() throws IOException {
        Path file = config("capture.yaml");
        capture = new CaptureDaemon(file, CaptureConfig.load(file));
        capture.start();
    }

    void stopCapture() {
        if (capture != null) {
            capture.close();
            capture = null;
        }
    }

    /** Makes a slave's database and files, tells the forwarder, and starts the daemon. */
    void startSlave(String name, String... tables) throws Exception {
        defineSlave(name, "", tables);
        startSlave(name);
    }

    /** Makes a slave's database (once) and files and tells the forwarder; starts nothing. */
    void defineSlave(String name, String extraYaml, String... tables) throws Exception {
        define(name, role, extraYaml, tables);
    }

    /**
     * The same with a role that is no superuser and may not set session_replication_role. It may do what
     * docs/operating/install.md grants, on tables that are made later, too.
     *
     * @return name of the role
     */
    String defineOrdinarySlave(String name, String extraYaml, String... tables) throws Exception {
        String ordinary = target(name) + "_role";
        targets.execute("postgres", "CREATE ROLE " + ordinary + " LOGIN");
        define(name, ordinary, extraYaml, tables);
        targets.execute(
                target(name),
                "GRANT CREATE ON DATABASE " + target(name) + " TO " + ordinary,
                "GRANT USAGE, CREATE ON SCHEMA public TO " + ordinary,
                "ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON TABLES TO " + ordinary);
        return ordinary;
    }

    private void define(String name, String user, String extraYaml, String... tables) throws Exception {
        String target = target(name);
        if (!slaveDatabases.contains(target)) {
            targets.execute("postgres", "CREATE DATABASE " + target);
            slaveDatabases.add(target);
        }
        cluster.defineSlave(name, url(targets, target), user, "postgres", List.of(tables), extraYaml);
        if (forwarder != null) {
            cluster.admin("reload").orThrow();
        }
    }

    /** Starts a defined slave's daemon. */
    void startSlave(String name) throws IOException {
        SlaveDaemon daemon = new SlaveDaemon(SlaveConfig.load(config("slave-" + name + ".yaml")));
        slaves.put(name, daemon);
        daemon.start();
    }

    /** Starts another daemon of the same slave, with a work directory of its own: NAME-second for {@link #stopSlave}. */
    void startSecondDaemon(String name) throws IOException {
        String first = Files.readString(config("slave-" + name + ".yaml"));
        String work = cluster.data(name).toString();
        String second = name + "-second";
        Files.writeString(config("slave-" + second + ".yaml"), first.replace(work, work + "-second"));
        startSlave(second);
    }

    /** The slave's daemons that are started from now on reach its database by this address, for example a proxy's. */
    void routeToTarget(String name, String address) throws IOException {
        Path file = config("slave-" + name + ".yaml");
        Files.writeString(file, Files.readString(file).replace(targetAddress(), address));
    }

    /** Host and port of the server with the slaves' databases. */
    String targetAddress() {
        return "127.0.0.1:" + targets.port();
    }

    void stopSlave(String name) {
        SlaveDaemon daemon = slaves.remove(name);
        if (daemon != null) {
            daemon.close();
        }
    }

    CaptureDaemon capture() {
        return capture;
    }

    ForwarderDaemon forwarder() {
        return forwarder;
    }

    SlaveDaemon slave(String name) {
        return slaves.get(name);
    }

    LocalCluster cluster() {
        return cluster;
    }

    Disks disks() {
        return disks;
    }

    /** What the daemons of this process logged since the stage opened, from INFO on. */
    RecordedLog log() {
        return log;
    }

    // The servers

    EmbeddedPostgres targetServer() {
        return targets;
    }

    String slaveDatabase(String slave) {
        return target(slave);
    }

    EmbeddedPostgres masterServer() {
        return master;
    }

    String masterDatabase() {
        return database;
    }

    /** A connection to the master, closed with the stage. */
    Session session() throws SQLException {
        return remember(new Session(master.connect(database)));
    }

    /** A connection to a slave's database, closed with the stage. */
    Session slaveSession(String slave) throws SQLException {
        return remember(new Session(targets.connect(target(slave))));
    }

    /** A connection to a slave's database that the caller closes. */
    Connection slaveConnection(String slave) throws SQLException {
        return targets.connect(target(slave));
    }

    void onMaster(String... sql) throws SQLException {
        master.execute(database, sql);
    }

    void onSlave(String slave, String... sql) throws SQLException {
        targets.execute(target(slave), sql);
    }

    /** First column of the first row on the slave, as text. */
    String slaveValue(String slave, String sql) throws SQLException {
        try (Session session = new Session(targets.connect(target(slave)))) {
            return session.value(sql);
        }
    }

    /** Waits until a query on the slave gives a row, and returns its first column. */
    String awaitSlaveValue(String slave, String sql) {
        AtomicReference<String> found = new AtomicReference<>();
        Await.until(
                sql + " gives a row on " + slave,
                PATIENCE,
                () -> {
                    found.set(slaveValue(slave, sql));
                    return found.get() != null;
                },
                this::story);
        return found.get();
    }

    /** Status and log, for the message of a wait that was in vain. */
    String story() {
        return admin("--output", "json", "status").output() + "\n" + String.join("\n", log.lines());
    }

    /** Waits until a query on the slave gives this; for what a slave applies while it cannot be waited for otherwise. */
    void awaitSlaveValue(String slave, String sql, String expected) {
        Await.until(
                sql + " gives " + expected,
                PATIENCE,
                () -> expected.equals(slaveValue(slave, sql)),
                () -> String.join("\n", log.lines()));
    }

    String masterValue(String sql) throws SQLException {
        try (Session session = new Session(master.connect(database))) {
            return session.value(sql);
        }
    }

    /**
     * From now on commits are flushed to the master's log and then wait for a synchronous standby that never answers:
     * captured, but visible to nobody, until {@link #releaseCommits}.
     */
    void holdCommits() throws SQLException {
        nameSynchronousStandby("nobody");
    }

    /** From now on commits wait for the standby of that name, until {@link #releaseCommits}. */
    void nameSynchronousStandby(String name) throws SQLException {
        synchronousStandby(name);
        holdsCommits = true;
    }

    void releaseCommits() throws SQLException {
        synchronousStandby("");
        holdsCommits = false;
    }

    private void synchronousStandby(String name) throws SQLException {
        // Commits of this connection, too, would wait.
        master.execute(
                "postgres",
                "SET synchronous_commit = local",
                "ALTER SYSTEM SET synchronous_standby_names = '" + name + "'",
                "SELECT pg_reload_conf()");
        Await.until(
                "the server has read its configuration", PATIENCE, () -> masterValue("SHOW synchronous_standby_names")
                        .equals(name));
    }

    /** How far the master may forget its log. */
    String confirmedLsn() throws SQLException {
        return masterValue("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '" + SLOT + "'");
    }

    /** Waits until the master may forget its log up to a place. */
    void awaitConfirmed(String lsn) {
        Await.until("the slot passes " + lsn, PATIENCE, () -> Lsn.parse(confirmedLsn()) >= Lsn.parse(lsn));
    }

    /** A slave's database as it is now, kept aside; the slave must be stopped. */
    void backUpSlave(String name) throws SQLException {
        targets.execute("postgres", "CREATE DATABASE " + target(name) + "_backup TEMPLATE " + target(name));
    }

    /** The slave's database is as it was when it was backed up. */
    void putSlaveBack(String name) throws SQLException {
        targets.execute(
                "postgres",
                "DROP DATABASE " + target(name) + " WITH (FORCE)",
                "ALTER DATABASE " + target(name) + "_backup RENAME TO " + target(name));
    }

    // What operators see and do

    /** What {@code replicator preflight} finds for a slave: subject, problem and fix, one finding per line. */
    String preflightOfSlave(String name) {
        return SlavePreflight.check(SlaveConfig.load(config("slave-" + name + ".yaml"))).stream()
                .map(finding -> (finding.blocking() ? "MISSING " : "note ") + finding.subject() + ": "
                        + finding.problem() + " | " + finding.fix())
                .collect(Collectors.joining("\n"));
    }

    AdminResult admin(String... arguments) {
        return cluster.admin(arguments);
    }

    /** Runs any other {@code replicator} command in this process. */
    AdminResult replicator(String... arguments) {
        StringWriter output = new StringWriter();
        StringWriter errors = new StringWriter();
        int exit = Main.commandLine()
                .setOut(new PrintWriter(output, true))
                .setErr(new PrintWriter(errors, true))
                .execute(arguments);
        return new AdminResult(exit, output.toString(), errors.toString());
    }

    /** What {@code replicator preflight} says of a daemon's file, for example {@code capture.yaml}. */
    String preflight(String file) {
        return replicator("preflight", "--config", config(file).toString()).output();
    }

    JsonNode status() throws IOException {
        return cluster.status();
    }

    StatusWait waiting() {
        return new StatusWait(cluster, PATIENCE);
    }

    /** Waits until capture has connected to a forwarder that was started again. */
    void awaitCapture() {
        waiting().until("capture is connected", status -> status.path("master")
                .path("captureConnected")
                .asBoolean());
    }

    /** Waits until the slave's main lane has passed all that the queue holds, whatever state its tables are in. */
    void awaitPassed(String slave) {
        waiting()
                .until(
                        slave + " has passed all there is",
                        status -> StatusWait.slaveOf(status, slave)
                                        .path("appliedSeq")
                                        .asLong()
                                == status.path("queue").path("lastSeq").asLong());
    }

    void awaitInSync(String slave, int tables) {
        waiting().inSync(slave, tables);
    }

    /** Waits until a slave has applied all that the master had committed when this began; a capture must be running. */
    void awaitApplied(String slave) {
        waiting().until("capture reads", status -> status.path("master")
                .path("connected")
                .asBoolean());
        cluster.admin("wait", "--slave", slave, "--timeout", "60s").orThrow();
    }

    /** Waits until capture has ended by itself, and returns what status says why. */
    String awaitCaptureStopped() {
        return waiting()
                .until(
                        "capture has stopped",
                        status -> status.path("master").path("state").asText().equals("stopped"))
                .path("master")
                .path("error")
                .asText();
    }

    /** Waits until a slave's status, its state and its error, says something. */
    JsonNode awaitSlave(String slave, String state, String error) {
        JsonNode status = waiting().until(slave + " is " + state + ": " + error, s -> {
            JsonNode node = StatusWait.slaveOf(s, slave);
            return node.path("state").asText().equals(state)
                    && node.path("error").asText().contains(error);
        });
        return StatusWait.slaveOf(status, slave);
    }

    /** Waits for a table of a slave to be in a state, and returns what status says of it. */
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
        return MissingNode.getInstance();
    }

    /** Waits until the slave has applied all, and compares every row of its tables with the master's. */
    void assertEqualTables(String slave, String... tables) throws SQLException {
        awaitApplied(slave);
        assertSameRows(slave, tables);
    }

    /** Waits until capture counts an incarnation of a table; looks at once instead of at the next time. */
    void awaitIncarnation(String table, int incarnation) {
        capture.reload();
        Await.until(
                table + " is in incarnation " + incarnation,
                PATIENCE,
                () -> table(table).path("incarnation").asInt() == incarnation,
                () -> admin("tables").output());
    }

    /** Waits until a slave has restored an incarnation of a table and is in sync, and compares every row. */
    void awaitRestored(String slave, String table, int incarnation) throws SQLException {
        awaitRestored(slave, table, "= " + incarnation);
    }

    /** The same with any later incarnation: how many begin may depend on what capture's watcher saw in between. */
    void awaitRestoredAfter(String slave, String table, int incarnation) throws SQLException {
        awaitRestored(slave, table, "> " + incarnation);
    }

    private void awaitRestored(String slave, String table, String incarnation) throws SQLException {
        Await.until(
                slave + " has incarnation " + incarnation + " of " + table,
                PATIENCE,
                () -> "true in-sync"
                        .equals(slaveValue(
                                slave,
                                "SELECT (incarnation " + incarnation
                                        + ") || ' ' || state FROM replicator.table_state WHERE table_name = '" + table
                                        + "'")),
                () -> admin("status").output() + String.join("\n", log.lines()));
        awaitEqual(slave, table);
    }

    /** Waits until every row is the same; other tables of the slave may be in any state. */
    void awaitEqual(String slave, String table) throws SQLException {
        try (Connection left = master.connect(database);
                Connection right = targets.connect(target(slave))) {
            TableName name = TableName.parse(table);
            Await.until(
                    table + " on slave " + slave + " equals the master's",
                    PATIENCE,
                    () -> TableDigest.read(left, name).equals(TableDigest.read(right, name)),
                    () -> admin("status").output() + String.join("\n", log.lines()));
        }
    }

    /** A reader of a slave's table that must never see fewer rows. */
    TableWatch watch(String slave, String table, long fewest) throws SQLException {
        return new TableWatch(targets.connect(target(slave)), table, fewest);
    }

    /** What capture and forwarder know of a table, from {@code admin tables}. */
    JsonNode table(String name) throws IOException {
        for (JsonNode candidate : new ObjectMapper()
                .readTree(admin("--output", "json", "tables").orThrow())
                .path("tables")) {
            if (candidate.path("table").asText().equals(name)) {
                return candidate;
            }
        }
        return MissingNode.getInstance();
    }

    /** Compares every row without waiting. */
    void assertSameRows(String slave, String... tables) throws SQLException {
        try (Connection left = master.connect(database);
                Connection right = targets.connect(target(slave))) {
            for (String text : tables) {
                TableName table = TableName.parse(text);
                TableDigest expected = TableDigest.read(left, table);
                assertNotNull(expected, text + " is not on the master");
                assertEquals(expected, TableDigest.read(right, table), text + " on slave " + slave);
            }
        }
    }

    @Override
    public void close() throws SQLException, IOException {
        if (holdsCommits) {
            releaseCommits();
        }
        List.copyOf(slaves.keySet()).forEach(this::stopSlave);
        stopCapture();
        stopForwarder();
        cluster.close();
        for (Session session : sessions) {
            session.close();
        }
        log.close();
        for (String name : slaveDatabases) {
            targets.execute("postgres", "DROP DATABASE " + name + " WITH (FORCE)");
        }
        if (ownsMaster) {
            master.close();
        } else {
            leaveSharedMaster();
        }
        Directories.delete(root);
    }

    private void leaveSharedMaster() throws SQLException {
        try (Session session = new Session(master.connect("postgres"))) {
            for (String backend = slotHolder(session); backend != null; backend = slotHolder(session)) {
                session.run("SELECT pg_terminate_backend(" + backend + ", 5000)");
            }
            session.run(
                    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '" + SLOT
                            + "'",
                    "DROP DATABASE " + database + " WITH (FORCE)");
        }
    }

    private static String slotHolder(Session session) throws SQLException {
        return session.value("SELECT active_pid FROM pg_replication_slots WHERE slot_name = '" + SLOT
                + "' AND active_pid IS NOT NULL");
    }

    /** Without the superuser's name in it. */
    private static String url(EmbeddedPostgres server, String database) {
        return "jdbc:postgresql://127.0.0.1:" + server.port() + "/" + database;
    }

    private String target(String slave) {
        return database + "_" + slave;
    }

    private Path config(String file) {
        return cluster.configDirectory().resolve(file);
    }

    private Session remember(Session session) {
        sessions.add(session);
        return session;
    }
}
