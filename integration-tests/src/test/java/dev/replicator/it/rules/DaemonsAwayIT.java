package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.launcher.local.StatusWait;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The failure matrix's rows about who is away: a killed forwarder keeps its requests, slaves drain without a master. */
class DaemonsAwayIT {
    private static final String SCHEMA =
            """
            CREATE TABLE t (id int PRIMARY KEY, v text);
            INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 200) i;
            """;

    /** Dumps are requested while capture is away; the forwarder is killed; the requests are answered when capture is back. */
    @Test
    void shouldKeepDumpRequestsWhenTheForwarderIsKilled() throws Exception {
        try (Stage stage = Stage.open(SCHEMA)) {
            stage.cluster().forwarder().start();
            stage.defineCapture("", "public.*");
            stage.startCapture();
            stage.waiting()
                    .until(
                            "the master is known",
                            status ->
                                    status.path("master").path("state").asText().equals("streaming")
                                            && stage.admin("tables").orThrow().contains("public.t"));
            stage.stopCapture();
            stage.defineSlave("s", "", "public.t");
            stage.admin("reload").orThrow();
            stage.startSlave("s");
            stage.waiting().until("a dump is requested", status -> request(status) != null);
            String id = request(stage.status());

            stage.cluster().forwarder().kill();
            stage.cluster().forwarder().start();
            stage.waiting().until("the request is there again", status -> id.equals(request(status)));
            String list = stage.admin("dump", "list").orThrow();
            assertTrue(list.lines().anyMatch(line -> line.contains(id) && line.contains("requested")), list);

            stage.startCapture();
            stage.awaitInSync("s", 1);
            stage.assertEqualTables("s", "public.t");
            assertTrue(stage.admin("dump", "list")
                    .orThrow()
                    .lines()
                    .anyMatch(line -> line.contains(id) && line.contains("complete")));
        }
    }

    private static String request(JsonNode status) {
        for (JsonNode dump : status.path("dumps")) {
            if (dump.path("state").asText().equals("requested")) {
                return dump.path("id").asText();
            }
        }
        return null;
    }

    /** The master goes away with transactions in the queue that a slave has not got yet. */
    @Test
    void shouldDrainTheQueueWhileTheMasterIsAway() throws Exception {
        try (Stage stage = Stage.withOwnMaster(Map.of(), SCHEMA).startMasterSide("public.*")) {
            stage.startSlave("s", "public.t");
            stage.awaitInSync("s", 1);
            stage.stopSlave("s");
            long before = stage.status().path("queue").path("lastSeq").asLong();
            for (int i = 0; i < 20; i++) {
                stage.onMaster("INSERT INTO t VALUES (" + (1000 + i) + ", 'before the master went')");
            }
            stage.waiting()
                    .until(
                            "the queue has them",
                            status -> status.path("queue").path("lastSeq").asLong() == before + 20);
            stage.masterServer().kill9();
            stage.waiting().until("status says so", status -> !status.path("master")
                    .path("connected")
                    .asBoolean());
            assertFalse(stage.admin("status").orThrow().isEmpty());

            stage.startSlave("s");
            stage.waiting()
                    .until(
                            "the slave has drained the queue",
                            status -> StatusWait.slaveOf(status, "s")
                                            .path("appliedSeq")
                                            .asLong()
                                    == before + 20);
            assertEquals("220", stage.slaveValue("s", "SELECT count(*) FROM t"));

            stage.masterServer().startAgain();
            stage.onMaster("INSERT INTO t VALUES (2000, 'the master is back')");
            stage.assertEqualTables("s", "public.t");
        }
    }
}
