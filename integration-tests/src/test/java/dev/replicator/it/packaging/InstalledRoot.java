package dev.replicator.it.packaging;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The .tar.gz of this build, unpacked below a directory as if that were the root of a file system. Its shipped configuration is
 * used as it is, but for directories, ports and table names.
 */
final class InstalledRoot implements AutoCloseable {
    static final List<String> DAEMONS = List.of("capture", "forwarder", "slave");

    private static final int COMMAND_SECONDS_MAX = 120;

    private final Path root;

    /** What a command printed and how it ended. */
    record Result(int code, String output) {}

    private InstalledRoot(Path root) {
        this.root = root;
    }

    /** Unpacks the archive. */
    static InstalledRoot unpack(Path archive, Path root) throws IOException, InterruptedException {
        Result untar = run(
                List.of("tar", "-xzf", archive.toString(), "--strip-components=1", "-C", root.toString()), Map.of());
        assertEquals(0, untar.code, untar.output);
        InstalledRoot installed = new InstalledRoot(root);
        for (String daemon : DAEMONS) {
            installed.write(
                    "etc/default/replicator-" + daemon,
                    "JAVA_HOME=" + System.getProperty("java.home") + "\nREPLICATOR_OPTS=-Xmx192m\nRUN_AS=\n");
        }
        return installed;
    }

    Path path(String relative) {
        return root.resolve(relative);
    }

    void write(String relative, String text) throws IOException {
        Files.createDirectories(path(relative).getParent());
        Files.writeString(path(relative), text);
    }

    /** Changes a shipped configuration: everything below this root, then the replacements, each of which must be there. */
    void configure(String relative, Map<String, String> replacements) throws IOException {
        String text = Files.readString(path(relative))
                .replace("/etc/replicator", path("etc/replicator").toString())
                .replace("/var/lib/replicator", path("var/lib/replicator").toString());
        for (Map.Entry<String, String> replacement : replacements.entrySet()) {
            if (!text.contains(replacement.getKey())) {
                throw new AssertionError(relative + " does not hold " + replacement.getKey() + ":\n" + text);
            }
            text = text.replace(replacement.getKey(), replacement.getValue());
        }
        write(relative, text);
    }

    /** Runs an init script with an action such as {@code start}. */
    Result init(String daemon, String action) throws IOException, InterruptedException {
        return run(List.of(path("etc/init.d/replicator-" + daemon).toString(), action), Map.of());
    }

    /** Runs the installed command. */
    Result replicator(Map<String, String> environment, String... arguments) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(path("usr/bin/replicator").toString()));
        command.addAll(Arrays.asList(arguments));
        Map<String, String> all = new HashMap<>(environment);
        all.put("JAVA_HOME", System.getProperty("java.home"));
        return run(command, all);
    }

    long pid(String daemon) throws IOException {
        return Long.parseLong(
                Files.readString(path("run/replicator/" + daemon + ".pid")).strip());
    }

    String log(String daemon) throws IOException {
        Path log = path("var/log/replicator/" + daemon + ".log");
        return Files.exists(log) ? Files.readString(log) : "";
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** Ends what a failed test left running. */
    @Override
    public void close() throws IOException {
        for (String daemon : DAEMONS) {
            if (Files.exists(path("run/replicator/" + daemon + ".pid"))) {
                ProcessHandle.of(pid(daemon)).ifPresent(ProcessHandle::destroyForcibly);
            }
        }
    }

    private static Result run(List<String> command, Map<String, String> environment)
            throws IOException, InterruptedException {
        Path output = Files.createTempFile("command", ".out");
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            process.getOutputStream().close();
            boolean ended = process.waitFor(COMMAND_SECONDS_MAX, TimeUnit.SECONDS);
            String text = Files.readString(output, StandardCharsets.UTF_8);
            if (!ended) {
                process.destroyForcibly();
                throw new AssertionError(command + " did not end within " + COMMAND_SECONDS_MAX + " s:\n" + text);
            }
            return new Result(process.exitValue(), text);
        } finally {
            Files.delete(output);
        }
    }
}
