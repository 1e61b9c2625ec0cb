package dev.replicator.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

final class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void shouldPrintItsVersion() {
        assertEquals(0, execute("--version"));
        assertTrue(
                out.toString().matches("replicator [0-9]+\\.[0-9]+\\.[0-9]+\\S* \\(Java \\S+\\)\\R"), out.toString());
    }

    @Test
    void shouldRefuseToGuessTheCommand() {
        assertEquals(2, execute());
        assertTrue(err.toString().contains("Which command?"), err.toString());
        assertEquals(2, execute("captuer"));
        assertTrue(err.toString().contains("Try 'replicator --help'"), err.toString());
    }

    @Test
    void shouldPassItsOptionsToACommandThatIsAMethod(@TempDir Path directory) throws IOException {
        String token = Files.writeString(directory.resolve("token"), "t\n").toString();
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        String forwarder = "127.0.0.1:" + port;
        String[][] commands = {
            {"wait", "--slave", "a", "--timeout", "5s"},
            {"slave", "show", "a"},
            {"slave", "skip", "a", "--seq", "7", "--table", "public.t"},
            {"skip", "a", "--seq", "7"},
            {"dump", "request", "--table", "public.t", "--slave", "a"},
            {"reload", "--verbose"},
        };
        for (String[] command : commands) {
            List<String> arguments = new ArrayList<>(List.of("admin", "--forwarder", forwarder, "--token-file", token));
            arguments.addAll(List.of(command));
            err.getBuffer().setLength(0);

            assertEquals(1, execute(arguments.toArray(String[]::new)), err::toString);
            assertTrue(err.toString().contains("forwarder " + forwarder), () -> List.of(command) + ": " + err);
            assertFalse(err.toString().contains("unexpected error"), err::toString);
        }
    }

    @Test
    void shouldHelpWithEveryCommand() {
        helpOf(Main.commandLine(), List.of());
    }

    private void helpOf(CommandLine line, List<String> path) {
        for (Map.Entry<String, CommandLine> sub : line.getSubcommands().entrySet()) {
            List<String> subPath = new ArrayList<>(path);
            subPath.add(sub.getKey());
            helpOf(sub.getValue(), subPath);
        }
        List<String> arguments = new ArrayList<>(path);
        arguments.add("--help");
        out.getBuffer().setLength(0);
        assertEquals(0, execute(arguments.toArray(String[]::new)), () -> arguments + ": " + err);
        assertTrue(out.toString().contains("Usage: replicator"), () -> arguments + ": " + out);
    }

    private int execute(String... arguments) {
        CommandLine line = Main.commandLine();
        return line.setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(arguments);
    }
}
