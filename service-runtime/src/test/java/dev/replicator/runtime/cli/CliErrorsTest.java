package dev.replicator.runtime.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

final class CliErrorsTest {
    private final StringWriter err = new StringWriter();

    @Test
    void shouldPrintWhatAndWhatToDoWithoutAStackTrace() {
        int code = execute(new ReplicatorException(ErrorCode.DAMAGE, "Cannot read x", "Restore it."), "act");

        assertEquals(3, code);
        assertEquals("replicator: Cannot read x\n  Restore it.\n", output());
    }

    @Test
    void shouldPrintTheStackTraceWhenVerboseAnywhere() {
        ReplicatorException thrown = new ReplicatorException(ErrorCode.FAILED, "no", "");

        assertEquals(1, execute(thrown, "act", "--verbose"));
        assertTrue(output().contains("CliErrorsTest"), output());
        assertEquals(1, execute(thrown, "--verbose", "act"));
        assertTrue(output().contains("CliErrorsTest"), output());
    }

    @Test
    void shouldCallTheUnexpectedByItsName() {
        assertEquals(1, execute(new IllegalStateException("oops"), "act"));
        assertTrue(
                output().startsWith("replicator: unexpected error: java.lang.IllegalStateException: oops"), output());
        assertFalse(output().contains("\tat "), output());
    }

    @Test
    void shouldGiveTwoForWrongUsageAndSuggest() {
        assertEquals(2, execute(null, "atc"));
        assertTrue(output().contains("Unmatched argument"), output());
        assertEquals(2, execute(null, "act", "--nonsense"));
        assertTrue(output().contains("Try 'root act --help'"), output());
    }

    private int execute(RuntimeException thrown, String... arguments) {
        err.getBuffer().setLength(0);
        CommandLine line = new CommandLine(new Root()).addSubcommand("act", new Act(thrown));
        return CliErrors.install(line).setErr(new PrintWriter(err)).execute(arguments);
    }

    private String output() {
        return err.toString().replace("\r\n", "\n");
    }

    @Command(name = "root")
    static final class Root {
        @Option(names = "--verbose", scope = ScopeType.INHERIT)
        boolean verbose;
    }

    @Command(name = "act")
    static final class Act implements Callable<Integer> {
        private final RuntimeException thrown;

        Act(RuntimeException thrown) {
            this.thrown = thrown;
        }

        @Override
        public Integer call() {
            if (thrown != null) {
                throw thrown;
            }
            return 0;
        }
    }
}
