package dev.replicator.launcher.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.replicator.forwarder.AdminCommand;
import dev.replicator.runtime.cli.CliErrors;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine;

/**
 * The three daemons of one cluster with their configuration files under one root directory, laid out as packages do:
 * {@code etc/replicator}, {@code var/lib/replicator}, {@code var/log/replicator}. Databases are given, not owned.
 * Daemons run as processes started through the launcher command; {@link #close()} ends those that still run.
 */
public final class LocalCluster implements AutoCloseable {
    private static final String CLUSTER = "shop";

    private final Path root;
    private final Path config;
    private final List<String> launcher;
    private List<String> slaveLauncher;
    private final int port;
    private final int httpPort;
    private final Map<String, LocalSlave> slaves = new LinkedHashMap<>();
    private final Thread closer = new Thread(this::stopDaemons, "local-cluster-closer");
    private DaemonProcess capture;
    private DaemonProcess forwarder;
    private String slavesRoute;
    private String captureRoute;
    private List<String> adminOptions = List.of();

    /**
     * @param root directory for configuration, data and logs; created when missing
     * @param launcher command that runs {@code replicator}, for example the script's path
     */
    public LocalCluster(Path root, List<String> launcher) throws IOException {
        this.root = root;
        this.launcher = List.copyOf(launcher);
        this.slaveLauncher = this.launcher;
        this.config = root.resolve("etc/replicator");
        this.port = freePort();
        this.httpPort = freePort();
        Files.createDirectories(config.resolve("slaves.d"));
        Files.createDirectories(root.resolve("var/lib/replicator"));
        Files.createDirectories(root.resolve("var/log/replicator"));
        // A demo that is ended by a signal must not leave its daemons behind.
        Runtime.getRuntime().addShutdownHook(closer);
    }

    /**
     * Writes forwarder.yaml and makes the daemon, not started yet.
     *
     * @param queueMaxSize for example {@code 2GiB}
     * @param extra further YAML lines, or empty
     */
    public DaemonProcess defineForwarder(String queueMaxSize, String extra) throws IOException {
        token("capture");
        token("admin");
        write(
                config.resolve("forwarder.yaml"),
                "cluster: " + CLUSTER + "\nlisten: \"127.0.0.1:" + port + "\"\nhttp: \"127.0.0.1:" + httpPort + "\"\n"
                        + "queue: {directory: " + data("forwarder/queue") + ", max-size: " + queueMaxSize
                        + ", on-full: drop-slave}\n"
                        + "dumps: {directory: " + data("forwarder/dumps") + ", max-size: 2GiB, max-age: 7d}\n"
                        + "capture: {token: \"${file:" + tokenFile("capture") + "}\"}\n"
                        + "admin: {token: \"${file:" + tokenFile("admin") + "}\"}\n"
                        + "slaves: " + config.resolve("slaves.d") + "\n" + extra);
        forwarder = daemon("forwarder", "forwarder", config.resolve("forwarder.yaml"));
        return forwarder;
    }

    /**
     * Writes capture.yaml and makes the daemon, not started yet.
     *
     * @param url JDBC URL of the master's database
     * @param user role capture works under
     * @param password its password
     * @param tables patterns
     * @param extra further YAML lines, or empty
     */
    public DaemonProcess defineCapture(String url, String user, String password, List<String> tables, String extra)
            throws IOException {
        token("capture");
        write(
                config.resolve("capture.yaml"),
                "cluster: " + CLUSTER + "\nsource: {engine: postgres, url: \"" + url + "\", user: " + user
                        + ", password: \"" + secret("source", password) + "\"}\n"
                        + "tables: " + yamlList(tables) + "\n"
                        + "queue: {directory: " + data("capture") + ", max-size: 2GiB}\n"
                        + "forwarder: {address: \"" + (captureRoute == null ? address() : captureRoute)
                        + "\", token: \"${file:"
                        + tokenFile("capture") + "}\"}\n" + extra);
        capture = daemon("capture", "capture", config.resolve("capture.yaml"));
        return capture;
    }

    /** Writes a slave's two files and makes its daemon, not started yet. The forwarder must be told by reload. */
    public LocalSlave defineSlave(String name, String url, String user, String password, List<String> tables)
            throws IOException {
        return defineSlave(name, url, user, password, tables, "");
    }

    /** The same with further YAML lines for slave.yaml. */
    public LocalSlave defineSlave(
            String name, String url, String user, String password, List<String> tables, String extra)
            throws IOException {
        token(name);
        grant(name, tables);
        Path file = config.resolve("slave-" + name + ".yaml");
        write(
                file,
                "cluster: " + CLUSTER + "\nslave: " + name + "\ntarget: {url: \"" + url + "\", user: " + user
                        + ", password: \"" + secret(name, password) + "\"}\n"
                        + "forwarder: {address: \"" + (slavesRoute == null ? address() : slavesRoute)
                        + "\", token: \"${file:" + tokenFile(name) + "}\"}\n"
                        + "work-directory: " + data(name) + "\n" + extra);
        LocalSlave slave = new LocalSlave(name, url, daemon(slaveLauncher, "slave", "slave-" + name, file));
        slaves.put(name, slave);
        return slave;
    }

    /** Slaves defined from now on are run by this command instead of the launcher, for example with a small heap. */
    public void runSlavesBy(List<String> command) {
        slaveLauncher = List.copyOf(command);
    }

    /** Slaves defined from now on reach the forwarder by this address, for example a proxy's. */
    public void routeSlavesThrough(String address) {
        slavesRoute = address;
    }

    /** A capture defined from now on reaches the forwarder by this address. */
    public void routeCaptureThrough(String address) {
        captureRoute = address;
    }

    /** Rewrites the slave's table set in slaves.d; takes effect with {@code admin reload}. */
    public void grant(String slave, List<String> tables) throws IOException {
        grant(slave, tables, List.of());
    }

    /** The same with exclusions. */
    public void grant(String slave, List<String> tables, List<String> exclude) throws IOException {
        write(
                config.resolve("slaves.d/" + slave + ".yaml"),
                LocalSlave.grantFile(slave, tables, exclude, tokenFile(slave).toString()));
    }

    public DaemonProcess capture() {
        return capture;
    }

    public DaemonProcess forwarder() {
        return forwarder;
    }

    public LocalSlave slave(String name) {
        return slaves.get(name);
    }

    /** All daemons that are defined. */
    public List<DaemonProcess> daemons() {
        List<DaemonProcess> all = new ArrayList<>();
        slaves.values().forEach(slave -> all.add(slave.daemon()));
        if (capture != null) {
            all.add(capture);
        }
        if (forwarder != null) {
            all.add(forwarder);
        }
        return all;
    }

    public Path root() {
        return root;
    }

    public Path configDirectory() {
        return config;
    }

    /** Address of the forwarder's gRPC port. */
    public String address() {
        return "127.0.0.1:" + port;
    }

    /** Address of the forwarder's HTTP port. */
    public String httpAddress() {
        return "127.0.0.1:" + httpPort;
    }

    /** Gives every admin command from now on further options, for example those of TLS. */
    public void adminOptions(String... options) {
        adminOptions = List.of(options);
    }

    /** Runs {@code replicator admin} in this process. */
    public AdminResult admin(String... arguments) {
        List<String> all = new ArrayList<>(List.of(
                "--forwarder", address(), "--token-file", tokenFile("admin").toString()));
        all.addAll(adminOptions);
        all.addAll(Arrays.asList(arguments));
        StringWriter output = new StringWriter();
        StringWriter errors = new StringWriter();
        int exit = CliErrors.install(new CommandLine(new AdminCommand()))
                .setOut(new PrintWriter(output, true))
                .setErr(new PrintWriter(errors, true))
                .execute(all.toArray(String[]::new));
        return new AdminResult(exit, output.toString(), errors.toString());
    }

    /** The answer of {@code admin status --output json}. */
    public JsonNode status() throws IOException {
        return new ObjectMapper().readTree(admin("--output", "json", "status").orThrow());
    }

    /** The slave's object in {@link #status()}, or a missing node. */
    public JsonNode slaveStatus(String name) throws IOException {
        for (JsonNode slave : status().path("slaves")) {
            if (slave.path("name").asText().equals(name)) {
                return slave;
            }
        }
        return new ObjectMapper().missingNode();
    }

    /** File with the bearer token of capture, admin or a slave. */
    public Path tokenFile(String name) {
        return config.resolve(name + ".token");
    }

    /** Directory of a daemon's data. */
    public Path data(String name) {
        return root.resolve("var/lib/replicator").resolve(name);
    }

    @Override
    public void close() {
        stopDaemons();
        try {
            Runtime.getRuntime().removeShutdownHook(closer);
        } catch (IllegalStateException ignored) {
            // the virtual machine is ending: the hook runs already and finds nothing alive
        }
    }

    private void stopDaemons() {
        daemons().forEach(DaemonProcess::close);
    }

    static String yamlList(List<String> entries) {
        return entries.stream().map(entry -> '"' + entry + '"').collect(Collectors.joining(", ", "[", "]"));
    }

    private DaemonProcess daemon(String command, String name, Path file) {
        return daemon(launcher, command, name, file);
    }

    private DaemonProcess daemon(List<String> start, String command, String name, Path file) {
        List<String> line = new ArrayList<>(start);
        line.addAll(List.of(command, "--config", file.toString()));
        return new DaemonProcess(name, line, root.resolve("var/log/replicator/" + name + ".log"));
    }

    private void token(String name) throws IOException {
        if (!Files.exists(tokenFile(name))) {
            write(tokenFile(name), java.util.UUID.randomUUID() + "\n");
        }
    }

    /** Writes a password's file and returns the reference that stands for it in a configuration. */
    private String secret(String name, String password) throws IOException {
        Path file = config.resolve(name + ".password");
        write(file, password + "\n");
        return "${file:" + file + "}";
    }

    private static void write(Path file, String text) throws IOException {
        Files.writeString(file, text, StandardCharsets.UTF_8);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
