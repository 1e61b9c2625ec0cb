package dev.replicator.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
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

    private int execute(String... arguments) {
        CommandLine line = Main.commandLine();
        return line.setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(arguments);
    }
}
