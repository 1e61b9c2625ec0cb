package dev.replicator.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** One transaction far larger than any daemon's memory passes through, block by block. */
class LargeTransactionIT {
    private static final int ROWS = 1_000_000;

    private Replication replication;

    @RegisterExtension
    final DiagnosticsOnFailure diagnostics = new DiagnosticsOnFailure(() -> replication);

    @BeforeEach
    void start() throws Exception {
        replication = Replication.start(
                "CREATE SCHEMA app; CREATE TABLE app.big (id int PRIMARY KEY, v text);"
                        + " CREATE TABLE app.small (id int PRIMARY KEY);",
                "app.*");
        replication.startSlave("whole", "app.*");
        replication.startSlave("part", "app.small");
        replication.awaitInSync("whole", 2);
        replication.awaitInSync("part", 1);
    }

    @AfterEach
    void stop() {
        replication.close();
    }

    @Test
    void shouldPassATransactionLargerThanTheHeaps() throws Exception {
        replication.onMaster("BEGIN; INSERT INTO app.small VALUES (1);"
                + " INSERT INTO app.big SELECT i, md5(i::text) || md5((i + 1)::text) || repeat(md5((-i)::text), 8)"
                + " FROM generate_series(1, " + ROWS + ") i;"
                + " INSERT INTO app.small VALUES (2); COMMIT;");
        replication.onMaster("DELETE FROM app.big WHERE id % 10 = 0; UPDATE app.big SET v = 'short' WHERE id % 10 = 1");
        replication.assertEqualTables("whole", "app.big", "app.small");
        replication.assertEqualTables("part", "app.small");
        long sentToPart =
                replication.cluster().slaveStatus("part").path("bytesSent").asLong();
        assertTrue(sentToPart < 1 << 20, "a slave without the big table received " + sentToPart + " bytes");
    }
}
