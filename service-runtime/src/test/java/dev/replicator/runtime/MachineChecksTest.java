package dev.replicator.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.runtime.net.Endpoint;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MachineChecksTest {
    @TempDir
    Path directory;

    @Test
    void shouldAcceptADirectoryThatCanBeMade() {
        assertEquals(List.of(), MachineChecks.directory("queue.directory", directory.resolve("a/b"), 1));
        assertFalse(Files.exists(directory.resolve("a")));
    }

    @Test
    void shouldNoteADiskSmallerThanTheBudget() {
        List<Finding> findings = MachineChecks.directory("queue.directory", directory, Long.MAX_VALUE);

        assertEquals(1, findings.size());
        assertFalse(findings.get(0).blocking());
        assertTrue(findings.get(0).problem().contains("8.0 EiB"), findings.toString());
    }

    @Test
    void shouldRefuseAFileInTheWay() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));

        assertTrue(MachineChecks.directory("queue.directory", file.resolve("queue"), 1)
                .get(0)
                .blocking());
    }

    @Test
    void shouldFindAPortThatIsTaken() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Optional<Finding> finding = MachineChecks.listen("listen", new Endpoint("127.0.0.1", taken.getLocalPort()));

            assertTrue(finding.orElseThrow().problem().contains("127.0.0.1:" + taken.getLocalPort()));
        }
        assertEquals(Optional.empty(), MachineChecks.listen("listen", new Endpoint("127.0.0.1", 0)));
    }

    @Test
    void shouldFindAFileThatIsNotThere() {
        assertTrue(MachineChecks.readable("tls.key", directory.resolve("none")).isPresent());
        assertTrue(MachineChecks.readable("tls.key", directory).isEmpty());
    }
}
