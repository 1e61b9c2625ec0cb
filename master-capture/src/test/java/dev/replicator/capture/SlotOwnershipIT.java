package dev.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.capture.postgres.SourceSessions;
import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.Finding;
import dev.replicator.runtime.ReplicatorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Slots have one name space for all databases of a server: somebody else's is neither read, nor judged, nor dropped. */
class SlotOwnershipIT {
    private static final String SLOT = "replicator_late";
    private static final String FOREIGN = "belongs to database early of the same server";

    private static EmbeddedPostgres server;

    @TempDir
    private Path directory;

    private CaptureFixture capture;

    @BeforeAll
    static void startServer() throws Exception {
        server = EmbeddedPostgres.start();
        server.execute("postgres", "CREATE DATABASE early");
    }

    @AfterAll
    static void stopServer() throws Exception {
        server.close();
    }

    @BeforeEach
    void open() throws Exception {
        capture = new CaptureFixture(server, directory.resolve("spool"), "late");
    }

    @AfterEach
    void close() throws Exception {
        capture.close();
        server.execute(
                "early",
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '" + SLOT + "'",
                "DROP DATABASE late WITH (FORCE)");
    }

    @Test
    void shouldStopBeforeASlotOfAnotherDatabase() throws Exception {
        makeForeignSlot();

        assertStops(FOREIGN);
    }

    @Test
    void shouldStopBeforeAPhysicalSlotAndOneOfAnotherPlugin() throws Exception {
        server.execute("early", "SELECT pg_create_physical_replication_slot('" + SLOT + "')");
        assertStops("is a physical one");
        capture.dropSlot();
        capture.sql("SELECT pg_create_logical_replication_slot('" + SLOT + "', 'test_decoding')");

        assertStops("has plugin test_decoding, not pgoutput");
    }

    @Test
    void shouldNotDropASlotOfAnotherDatabaseForANewEpoch() throws Exception {
        makeForeignSlot();
        CaptureConfig.Source source = capture.config().source();
        SourceSessions sessions = new SourceSessions(
                source.url(), source.user(), source.password().value());

        try (NewEpoch epoch = NewEpoch.open(capture.config(), sessions)) {
            assertRefused(assertThrows(ReplicatorException.class, epoch::unknownRange));
            assertRefused(assertThrows(ReplicatorException.class, epoch::begin));
        }

        assertEquals("early", slotDatabase());
    }

    @Test
    void shouldNotDropASlotOfAnotherDatabaseByCommand() throws Exception {
        makeForeignSlot();
        CaptureConfig.Source source = capture.config().source();
        Path file = Files.writeString(
                directory.resolve("capture.yaml"),
                "cluster: late\nsource: {engine: postgres, url: \"" + source.url() + "\", user: " + source.user()
                        + ", slot: " + SLOT + "}\ntables: [\"public.*\"]\nqueue: {directory: "
                        + directory.resolve("spool") + ", max-size: 1GiB}\n");
        CaptureCommand command =
                CommandLine.populateCommand(new CaptureCommand(), "--config", file.toString(), "--drop");

        assertRefused(assertThrows(ReplicatorException.class, command::call));

        assertEquals("early", slotDatabase());
    }

    @Test
    void shouldTellBeforehand() throws Exception {
        makeForeignSlot();

        List<Finding> findings = CapturePreflight.check(capture.config());

        assertTrue(
                findings.stream()
                        .anyMatch(finding -> finding.subject().equals("replication slot " + SLOT)
                                && finding.problem().equals(FOREIGN)
                                && finding.fix().contains("source.slot")),
                findings.toString());
    }

    private static void makeForeignSlot() throws Exception {
        server.execute("early", "SELECT pg_create_logical_replication_slot('" + SLOT + "', 'pgoutput')");
    }

    private void assertStops(String reason) throws Exception {
        capture.start();
        CaptureFixture.await("capture stops", () -> capture.daemon().board().state() == CaptureState.STOPPED);
        String error = capture.daemon().board().error();
        capture.stop();
        assertTrue(error.contains("replication slot " + SLOT + " " + reason), error);
        assertTrue(error.contains("source.slot"), error);
        assertEquals(SLOT, capture.query("SELECT slot_name FROM pg_replication_slots"), "whose it is, keeps it");
    }

    private static void assertRefused(ReplicatorException e) {
        assertEquals(ErrorCode.CONFIGURATION, e.code(), e.toString());
        assertTrue(e.getMessage().contains(FOREIGN), e.getMessage());
    }

    private String slotDatabase() throws Exception {
        return capture.query("SELECT database FROM pg_replication_slots WHERE slot_name = '" + SLOT + "'");
    }
}
