package dev.replicator.embedded;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A real PostgreSQL server from Maven artifacts: one data directory, one port, one postmaster at a time. It can be
 * stopped, killed and started again on the same directory and port, so that a crash is a real one. Listens on the
 * loopback address; superuser {@code postgres} without a password. {@code wal_level} is {@code logical}.
 *
 * <p>Runs as root too: the server then lives in a user namespace of its own, since it refuses to be root.
 */
public final class EmbeddedPostgres implements AutoCloseable {
    /** How {@link #stop} ends the server, see pg_ctl in the PostgreSQL manual. */
    public enum StopMode {
        SMART,
        FAST,
        IMMEDIATE
    }

    /** Name of the superuser. */
    public static final String USER = "postgres";

    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedPostgres.class);
    private static final Duration START_WAIT = Duration.ofSeconds(60);
    private static final int PORT_ATTEMPTS = 3;

    private final Path home;
    private final Path dataDirectory;
    private final boolean temporary;
    private final Map<String, String> settings;
    private final List<String> launcher;
    private final Thread closer;
    private int port;
    private Process postmaster;

    private EmbeddedPostgres(Builder builder) throws IOException {
        home = PostgresBinaries.unpacked();
        launcher = launcher();
        temporary = builder.dataDirectory == null;
        dataDirectory = temporary
                ? Files.createTempDirectory("replicator-pg-").resolve("data")
                : builder.dataDirectory.toAbsolutePath();
        settings = settings(builder);
        port = builder.port;
        closer = new Thread(this::stopAtExit, "embedded-postgres-closer");
    }

    /** A server in a temporary directory that is removed by {@link #close}, not durable. */
    public static EmbeddedPostgres start() throws IOException {
        return builder().start();
    }

    /**
     * A running server.
     *
     * @param dataDirectory where; made by initdb when it is missing or empty; null for a temporary one
     * @param serverConfig settings for postgresql.conf, over the defaults
     * @param durable true: fsync and synchronous_commit as in production; false: faster, a crash of the machine may lose
     *     commits (a killed server loses none)
     */
    public static EmbeddedPostgres start(Path dataDirectory, Map<String, String> serverConfig, boolean durable)
            throws IOException {
        Builder builder = builder().durable(durable).settings(serverConfig);
        return (dataDirectory == null ? builder : builder.dataDirectory(dataDirectory)).start();
    }

    public static Builder builder() {
        return new Builder();
    }

    /** What the server is to be like. */
    public static final class Builder {
        private final Map<String, String> settings = new LinkedHashMap<>();
        private Path dataDirectory;
        private boolean durable;
        private int port;

        private Builder() {}

        public Builder dataDirectory(Path directory) {
            dataDirectory = Objects.requireNonNull(directory, "directory");
            return this;
        }

        /** One setting of postgresql.conf. */
        public Builder setting(String name, String value) {
            settings.put(name, value);
            return this;
        }

        public Builder settings(Map<String, String> more) {
            settings.putAll(more);
            return this;
        }

        /** See {@link EmbeddedPostgres#start(Path, Map, boolean)}. */
        public Builder durable(boolean value) {
            durable = value;
            return this;
        }

        /** A fixed port; 0, the default, picks a free one. */
        public Builder port(int value) {
            port = value;
            return this;
        }

        /** Starts the server and waits until it answers. */
        public EmbeddedPostgres start() throws IOException {
            EmbeddedPostgres server = new EmbeddedPostgres(this);
            boolean started = false;
            try {
                server.firstStart();
                started = true;
            } finally {
                if (!started) {
                    server.close();
                }
            }
            return server;
        }
    }

    /** JDBC URL of a database, with the superuser in it. */
    public String jdbcUrl(String database) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + database + "?user=" + USER;
    }

    /** A new connection as superuser, in autocommit mode. The caller closes it. */
    public Connection connect(String database) throws SQLException {
        return DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + port + "/" + database, properties());
    }

    /** Runs SQL as superuser in autocommit mode. */
    public void execute(String database, String... statements) throws SQLException {
        try (Connection connection = connect(database);
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    public int port() {
        return port;
    }

    public Path dataDirectory() {
        return dataDirectory;
    }

    /** The server's own log. */
    public Path logFile() {
        return dataDirectory.resolveSibling(dataDirectory.getFileName() + ".log");
    }

    /** Process id of the postmaster. */
    public synchronized long pid() {
        if (!isRunning()) {
            throw new IllegalStateException("server in " + dataDirectory + " is not running: call startAgain() first");
        }
        return postmaster.pid();
    }

    public synchronized boolean isRunning() {
        return postmaster != null && postmaster.isAlive();
    }

    /** Stops the server in order and waits for its end. Nothing happens when it does not run. */
    public synchronized void stop(StopMode mode) throws IOException {
        if (!isRunning()) {
            return;
        }
        List<ProcessHandle> children = postmaster.descendants().toList();
        run(
                "pg_ctl",
                "stop",
                "-D",
                dataDirectory.toString(),
                "-m",
                mode.name().toLowerCase(Locale.ROOT),
                "-w",
                "-t",
                "60");
        awaitEnd(children);
    }

    /** Kills the server and all its processes as a power cut would, and waits for their end. */
    public synchronized void kill9() throws IOException {
        if (!isRunning()) {
            return;
        }
        // The postmaster goes first: it must not get the chance to react to a killed child. A left-over child would
        // keep
        // the shared memory and with it the data directory.
        List<ProcessHandle> children = postmaster.descendants().toList();
        postmaster.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
        awaitEnd(children);
    }

    /** Starts the server again on the same data directory and port and waits until it answers. */
    public synchronized void startAgain() throws IOException {
        if (isRunning()) {
            throw new IllegalStateException("server in " + dataDirectory + " is running as pid " + postmaster.pid());
        }
        launch();
    }

    /** Ends the server; removes its directory if it is a temporary one. */
    @Override
    public synchronized void close() throws IOException {
        try {
            Runtime.getRuntime().removeShutdownHook(closer);
        } catch (IllegalStateException e) {
            LOG.debug("closed while the JVM ends", e);
        }
        if (isRunning()) {
            stop(temporary ? StopMode.IMMEDIATE : StopMode.FAST);
        }
        if (temporary) {
            FileTrees.delete(dataDirectory.getParent());
        }
    }

    private synchronized void firstStart() throws IOException {
        initialise();
        boolean anyPort = port == 0;
        for (int attempt = 1; ; attempt++) {
            if (anyPort) {
                port = freePort();
            }
            try {
                launch();
                break;
            } catch (IOException e) {
                // A free port may be taken by somebody else before the server binds it.
                if (!anyPort || attempt == PORT_ATTEMPTS) {
                    throw e;
                }
                LOG.info("server in {} did not start on port {}, trying another one", dataDirectory, port);
            }
        }
        Runtime.getRuntime().addShutdownHook(closer);
    }

    private void initialise() throws IOException {
        if (Files.exists(dataDirectory.resolve("PG_VERSION"))) {
            return;
        }
        Files.createDirectories(dataDirectory.getParent());
        run(
                "initdb",
                "-D",
                dataDirectory.toString(),
                "-U",
                USER,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync");
        Files.writeString(
                dataDirectory.resolve("postgresql.conf"),
                "\ninclude = 'embedded.conf'\n",
                StandardCharsets.UTF_8,
                StandardOpenOption.APPEND);
    }

    private void launch() throws IOException {
        writeSettings();
        List<String> command = new ArrayList<>(launcher);
        command.add(home.resolve("bin/postgres").toString());
        command.addAll(List.of("-D", dataDirectory.toString()));
        postmaster = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(logFile().toFile()))
                .start();
        postmaster.getOutputStream().close();
        boolean answers = false;
        try {
            awaitAnswer();
            answers = true;
        } finally {
            if (!answers) {
                postmaster.destroyForcibly();
            }
        }
        LOG.debug("PostgreSQL runs in {} on port {} as pid {}", dataDirectory, port, postmaster.pid());
    }

    private void awaitAnswer() throws IOException {
        try {
            Await.until("an answer of the server", START_WAIT, () -> !postmaster.isAlive() || answers());
        } catch (AssertionError e) {
            throw new IOException(startFailure("does not answer within " + START_WAIT), e);
        }
        if (!postmaster.isAlive()) {
            throw new IOException(startFailure("ended with exit code " + postmaster.exitValue()));
        }
    }

    private boolean answers() throws SQLException {
        try (Connection connection = connect(USER)) {
            return connection.isValid(5);
        }
    }

    private String startFailure(String what) throws IOException {
        List<String> log = Files.exists(logFile()) ? Files.readAllLines(logFile()) : List.of();
        String tail = String.join("\n", log.subList(Math.max(0, log.size() - 20), log.size()));
        return "starting PostgreSQL in " + dataDirectory + " on port " + port + ": it " + what + "; end of " + logFile()
                + ":\n" + tail;
    }

    private void awaitEnd(List<ProcessHandle> children) throws IOException {
        try {
            if (!postmaster.waitFor(60, TimeUnit.SECONDS)) {
                throw new IOException("server in " + dataDirectory + " (pid " + postmaster.pid()
                        + ") does not end; see " + logFile());
            }
            Await.until("end of the server's child processes", Duration.ofSeconds(60), () -> children.stream()
                    .noneMatch(ProcessHandle::isAlive));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the server in " + dataDirectory + " ends", e);
        }
    }

    private void run(String program, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(launcher);
        command.add(home.resolve("bin").resolve(program).toString());
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            int exit = process.waitFor();
            if (exit != 0) {
                throw new IOException(String.join(" ", command) + " ended with exit code " + exit + ":\n" + output);
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while running " + program, e);
        }
    }

    private void writeSettings() throws IOException {
        StringBuilder text = new StringBuilder();
        settings.forEach((name, value) -> text.append(name)
                .append(" = '")
                .append(value.replace("'", "''"))
                .append("'\n"));
        text.append("port = ").append(port).append('\n');
        Files.writeString(dataDirectory.resolve("embedded.conf"), text, StandardCharsets.UTF_8);
    }

    private static Map<String, String> settings(Builder builder) {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("listen_addresses", "127.0.0.1");
        // A socket directory would have to be short and writable; TCP is enough.
        settings.put("unix_socket_directories", "");
        settings.put("wal_level", "logical");
        settings.put("max_wal_senders", "20");
        settings.put("max_replication_slots", "20");
        settings.put("max_connections", "120");
        settings.put("shared_buffers", "64MB");
        settings.put("log_line_prefix", "%m [%p] %a ");
        settings.put("fsync", builder.durable ? "on" : "off");
        settings.put("synchronous_commit", builder.durable ? "on" : "off");
        settings.put("full_page_writes", builder.durable ? "on" : "off");
        settings.putAll(builder.settings);
        return settings;
    }

    private static List<String> launcher() {
        return System.getProperty("user.name").equals("root") ? List.of("unshare", "-U") : List.of();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static Properties properties() {
        Properties properties = new Properties();
        properties.setProperty("user", USER);
        properties.setProperty("connectTimeout", "10");
        return properties;
    }

    private void stopAtExit() {
        Process running = postmaster;
        if (running != null && running.isAlive()) {
            List<ProcessHandle> children = running.descendants().toList();
            running.destroyForcibly();
            children.forEach(ProcessHandle::destroyForcibly);
        }
    }
}
