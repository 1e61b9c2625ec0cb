package dev.replicator.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.launcher.local.StatusWait;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A slave that was away keeps its place; beyond the budget it needs a re-sync and gets it. */
class AwayIT {
    private static final String SCHEMA =
            """
            CREATE SCHEMA app;
            CREATE TABLE app.t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text);
            CREATE TABLE app.u (id int PRIMARY KEY, v text);
            INSERT INTO app.t (v) SELECT 'row ' || i FROM generate_series(1, 1000) i;
            INSERT INTO app.u SELECT i, 'row ' || i FROM generate_series(1, 1000) i;
            """;

    private Replication replication;

    @RegisterExtension
    final DiagnosticsOnFailure diagnostics = new DiagnosticsOnFailure(() -> replication);

    @AfterEach
    void stop() {
        replication.close();
    }

    @Test
    void shouldKeepTheQueueForASlaveThatIsAway() throws Exception {
        replication = Replication.start(SCHEMA, "app.*");
        replication.startSlave("away", "app.*");
        replication.awaitInSync("away", 2);
        replication.cluster().slave("away").daemon().stop();
        for (int i = 0; i < 50; i++) {
            replication.onMaster("INSERT INTO app.t (v) SELECT 'later ' || i FROM generate_series(1, 20) i");
        }
        long dumpBytes =
                replication.cluster().slaveStatus("away").path("dumpBytesSent").asLong();
        replication.cluster().slave("away").daemon().start();
        replication.awaitInSync("away", 2);
        replication.assertEqualTables("away", "app.t", "app.u");
        assertEquals(
                dumpBytes,
                replication.cluster().slaveStatus("away").path("dumpBytesSent").asLong());
    }

    @Test
    void shouldResyncASlaveThatWasAwayBeyondTheBudget() throws Exception {
        replication = Replication.servers();
        replication.master().execute(Replication.DATABASE, SCHEMA);
        replication.startForwarderAndCapture("200MiB", "app.*");
        replication.startSlave("away", "app.*");
        replication.startSlave("present", "app.*");
        replication.awaitInSync("away", 2);
        replication.awaitInSync("present", 2);
        replication.cluster().slave("away").daemon().stop();
        // Random text, so that compression cannot keep it under the budget.
        String filler = "UPDATE app.t SET v = (SELECT string_agg(md5(random()::text || g || id), '')"
                + " FROM generate_series(1, 300) g) WHERE id <= 500";
        replication.waiting().until("the budget is reached and the slave that is away is dropped", status -> {
            onMaster(filler);
            return StatusWait.slaveOf(status, "away").path("state").asText().equals("needs-resync");
        });
        assertEquals(
                "in-sync",
                replication.cluster().slaveStatus("present").path("state").asText(),
                "a healthy slave is not dropped");
        replication.cluster().slave("away").daemon().start();
        replication.awaitInSync("away", 2);
        replication.assertEqualTables("away", "app.t", "app.u");
        JsonNode queue = replication.cluster().status().path("queue");
        assertTrue(queue.path("bytes").asLong() < 400L << 20, "the queue is at " + queue.path("bytes"));
    }

    private void onMaster(String sql) {
        try {
            replication.onMaster(sql);
        } catch (java.sql.SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
