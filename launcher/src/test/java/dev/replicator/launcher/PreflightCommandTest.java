package dev.replicator.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PreflightCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    Path directory;

    @BeforeEach
    void slaves() throws IOException {
        Files.createDirectory(directory.resolve("slaves.d"));
    }

    @Test
    void shouldFindNothingMissingForAForwarder() throws IOException {
        assertEquals(0, preflight(forwarder("127.0.0.1:0")), err::toString);

        assertTrue(out.toString().startsWith("Preflight of the forwarder daemon"), out.toString());
        assertTrue(out.toString().contains("note     slaves: no slave has a file in"), out.toString());
        assertTrue(out.toString().endsWith("Nothing is missing." + System.lineSeparator()), out.toString());
        assertTrue(Files.notExists(directory.resolve("queue")), "preflight changes nothing");
    }

    @Test
    void shouldNameAllThatIsMissingAtOnce() throws IOException {
        Files.writeString(directory.resolve("slaves.d/a.yaml"), "slave: a\ntable: []\n");
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertEquals(2, preflight(forwarder("127.0.0.1:" + taken.getLocalPort()), "--output", "json"));
        }

        JsonNode document = new ObjectMapper().readTree(out.toString());
        assertEquals("forwarder", document.path("daemon").asText());
        assertEquals("listen", document.path("findings").path(0).path("subject").asText());
        String slaves = document.path("findings").path(1).path("problem").asText();
        assertTrue(slaves.contains("did you mean \"tables\"?") && slaves.contains("token: missing"), slaves);
    }

    @Test
    void shouldTellWhatAFileMustHave() throws IOException {
        Path file = Files.writeString(directory.resolve("x.yaml"), "cluster: shop\n");

        assertEquals(2, preflight(file));

        assertTrue(err.toString().contains("Cannot tell which daemon"), err.toString());
    }

    @Test
    void shouldNameADatabaseAndAForwarderThatAreNotThere() throws IOException {
        Files.writeString(directory.resolve("token"), "t\n");
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        Path file = Files.writeString(
                directory.resolve("slave.yaml"),
                "cluster: shop\nslave: a\ntarget: {url: \"jdbc:postgresql://127.0.0.1:" + port + "/x\", user: u}\n"
                        + "forwarder: {address: \"127.0.0.1:" + port + "\", token: \"${file:token}\"}\n"
                        + "work-directory: work\n");

        assertEquals(2, preflight(file));

        assertTrue(out.toString().contains("MISSING  target: cannot work with"), out.toString());
        assertTrue(
                out.toString().contains("MISSING  forwarder: cannot call at the forwarder 127.0.0.1:" + port),
                out.toString());
        assertTrue(out.toString().contains("2 things are missing."), out.toString());
    }

    @Test
    void shouldCheckACaptureThatHasNoMaster() throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        Path file = Files.writeString(
                directory.resolve("capture.yaml"),
                "cluster: shop\nsource: {url: \"jdbc:postgresql://127.0.0.1:" + port + "/x\", user: u}\n"
                        + "tables: [\"public.*\"]\nqueue: {directory: spool, max-size: 1MiB}\n"
                        + "dumps: {max-size: 1MiB}\n");

        assertEquals(2, preflight(file));

        assertTrue(out.toString().startsWith("Preflight of the capture daemon"), out.toString());
        assertTrue(out.toString().contains("MISSING  source.url: cannot ask the master"), out.toString());
        assertTrue(out.toString().contains("SQLSTATE 08001"), out.toString());
    }

    private Path forwarder(String listen) throws IOException {
        Files.writeString(directory.resolve("token"), "t\n");
        Files.writeString(directory.resolve("admin"), "a\n");
        return Files.writeString(
                directory.resolve("forwarder.yaml"),
                "cluster: shop\nlisten: \"" + listen + "\"\nqueue: {directory: queue, max-size: 1MiB}\n"
                        + "dumps: {directory: dumps, max-size: 1MiB}\ncapture: {token: \"${file:token}\"}\n"
                        + "admin: {token: \"${file:admin}\"}\nslaves: slaves.d\n");
    }

    private int preflight(Path file, String... more) {
        String[] arguments = new String[more.length + 3];
        arguments[0] = "preflight";
        arguments[1] = "--config";
        arguments[2] = file.toString();
        System.arraycopy(more, 0, arguments, 3, more.length);
        return Main.commandLine()
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(arguments);
    }
}
