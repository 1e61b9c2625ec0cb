package dev.replicator.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.Statement;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Slaves that join, change their set or get a table anew in the middle of heavy traffic. */
class TrafficIT {
    private Replication replication;
    private Traffic traffic;

    @RegisterExtension
    final DiagnosticsOnFailure diagnostics = new DiagnosticsOnFailure(() -> replication);

    @BeforeEach
    void start() throws Exception {
        replication = Replication.start(Traffic.SCHEMA, "bank.*");
        traffic = new Traffic(replication::masterConnection, 3);
    }

    @AfterEach
    void stop() throws Exception {
        try {
            traffic.finish();
        } finally {
            replication.close();
        }
    }

    @Test
    void shouldEqualTheMasterWhenJoiningInTheMiddleOfTraffic() throws Exception {
        traffic.awaitTransactions(200);
        replication.startSlave("first", "bank.*");
        replication.awaitInSync("first", Traffic.TABLES.length);
        traffic.awaitTransactions(500);
        replication.startSlave("second", "bank.account", "bank.entry");
        replication.awaitInSync("second", 2);
        traffic.awaitTransactions(300);
        traffic.finish();
        replication.assertEqualTables("first", Traffic.TABLES);
        replication.assertEqualTables("second", "bank.account", "bank.entry");
    }

    @Test
    void shouldServeTheSecondSlaveFromTheCacheWithTheMasterSwitchedOff() throws Exception {
        replication.startSlave("first", "bank.*");
        replication.awaitInSync("first", Traffic.TABLES.length);
        traffic.awaitTransactions(300);
        traffic.finish();
        replication.awaitApplied("first");
        int dumps = replication.cluster().status().path("dumps").size();
        replication.master().stop(dev.replicator.embedded.EmbeddedPostgres.StopMode.FAST);
        replication.startSlave("second", "bank.*");
        replication.awaitInSync("second", Traffic.TABLES.length);
        assertEquals(dumps, replication.cluster().status().path("dumps").size(), "no new dump was made");
        replication.master().startAgain();
        replication.assertEqualTables("second", Traffic.TABLES);
    }

    @Test
    void shouldAddATableToOneSlaveWithoutTouchingOthers() throws Exception {
        replication.startSlave("one", "bank.account");
        replication.startSlave("other", "bank.account");
        replication.awaitInSync("one", 1);
        replication.awaitInSync("other", 1);
        long otherDumpBytes =
                replication.cluster().slaveStatus("other").path("dumpBytesSent").asLong();
        replication.grant("one", "bank.account", "bank.entry", "bank.note");
        replication.awaitInSync("one", 3);
        traffic.awaitTransactions(200);
        traffic.finish();
        replication.assertEqualTables("one", "bank.account", "bank.entry", "bank.note");
        replication.assertEqualTables("other", "bank.account");
        JsonNode other = replication.cluster().slaveStatus("other");
        assertEquals(otherDumpBytes, other.path("dumpBytesSent").asLong(), "the other slave received no dump");
        assertEquals(1, other.path("tables").size());
    }

    @Test
    void shouldNeverShowAReaderAnEmptyPartialOrOlderTableDuringARedump() throws Exception {
        replication.startSlave("first", "bank.*");
        replication.awaitInSync("first", Traffic.TABLES.length);
        try (ReaderProbe probe = new ReaderProbe(() -> replication.slaveConnection("first"))) {
            for (int i = 0; i < 3; i++) {
                replication
                        .cluster()
                        .admin(
                                "dump",
                                "request",
                                "--table",
                                "bank.account",
                                "--table",
                                "bank.entry",
                                "--slave",
                                "first",
                                "--wait")
                        .orThrow();
                replication.awaitInSync("first", Traffic.TABLES.length);
            }
            assertEquals("", probe.violation());
            assertTrue(probe.polls() > 10, "the probe polled " + probe.polls() + " times");
        }
        traffic.finish();
        replication.assertEqualTables("first", Traffic.TABLES);
    }

    @Test
    void shouldRepairATableByResync() throws Exception {
        replication.startSlave("first", "bank.*");
        replication.startSlave("second", "bank.*");
        replication.awaitInSync("first", Traffic.TABLES.length);
        replication.awaitInSync("second", Traffic.TABLES.length);
        traffic.finish();
        replication.awaitApplied("first");
        replication
                .targets()
                .execute(
                        "first",
                        "UPDATE bank.note SET body = 'damaged' WHERE id <= 3",
                        "DELETE FROM bank.note WHERE id = 5");
        long secondDumpBytes = replication
                .cluster()
                .slaveStatus("second")
                .path("dumpBytesSent")
                .asLong();
        replication
                .cluster()
                .admin("slave", "resync", "first", "--table", "bank.note")
                .orThrow();
        replication.waiting().until("first is repaired", status -> sameNote());
        replication.awaitInSync("first", Traffic.TABLES.length);
        replication.assertEqualTables("first", Traffic.TABLES);
        assertEquals(
                secondDumpBytes,
                replication
                        .cluster()
                        .slaveStatus("second")
                        .path("dumpBytesSent")
                        .asLong());
    }

    @Test
    void shouldApplyTriggersAndCascadesOnceAndRolledBackWorkNever() throws Exception {
        replication.startSlave("first", "bank.*");
        replication.awaitInSync("first", Traffic.TABLES.length);
        try (Connection connection = replication.masterConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("INSERT INTO bank.account VALUES (90001, 'gone', 1)");
            connection.rollback();
            statement.execute("INSERT INTO bank.account VALUES (90002, 'kept', 1)");
            statement.execute("SAVEPOINT s");
            statement.execute("INSERT INTO bank.account VALUES (90003, 'undone', 1)");
            statement.execute("ROLLBACK TO s");
            statement.execute(
                    "INSERT INTO bank.entry (account_id, amount) SELECT 90002, i FROM generate_series(1, 5) i");
            connection.commit();
            statement.execute("DELETE FROM bank.account WHERE id = 90002");
            connection.commit();
            statement.execute("INSERT INTO bank.account VALUES (90004, 'prepared', 1)");
            statement.execute("PREPARE TRANSACTION 'p1'");
            connection.setAutoCommit(true);
            statement.execute("COMMIT PREPARED 'p1'");
        }
        traffic.finish();
        replication.assertEqualTables("first", Traffic.TABLES);
        assertEquals(
                "90004",
                replication.onSlave("first", "SELECT string_agg(id::text, ',') FROM bank.account WHERE id > 90000"));
    }

    private boolean sameNote() {
        try {
            replication.assertSameRows("first", "bank.note");
            return true;
        } catch (AssertionError | java.sql.SQLException e) {
            return false;
        }
    }
}
