package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** R08 b): a publication that was dropped and made again is another one, whatever its name. */
class R08PublicationIT {
    private static final String[] MADE_AGAIN = {
        "DROP PUBLICATION replicator_shop",
        "INSERT INTO t VALUES (2)",
        "CREATE PUBLICATION replicator_shop FOR TABLE t WITH (publish_via_partition_root = true)",
        "INSERT INTO t VALUES (3)"
    };

    /** The server skips what is written in between, and says so in its own log at best. */
    @Test
    void r08ShouldStopWhenThePublicationWasMadeAgain() throws Exception {
        try (Stage stage = Stage.open("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
                .startMasterSide("public.*")) {
            stage.startSlave("s", "public.t");
            stage.awaitRestored("s", "public.t", 1);
            // While capture runs,
            stage.onMaster(MADE_AGAIN);
            assertStopped(stage, "publication replicator_shop was dropped");
            // and when it comes back.
            stage.stopCapture();
            stage.startCapture();
            assertStopped(stage, "publication replicator_shop was dropped and made again");
            stage.stopCapture();
            try (TableWatch reader = stage.watch("s", "t", 1)) {
                stage.beginNewEpoch();
                stage.startCapture();
                stage.awaitRestoredAfter("s", "public.t", 1);
                reader.assertServedAllAlong();
            }
        }
    }

    private static void assertStopped(Stage stage, String why) {
        stage.waiting()
                .until(
                        "capture has stopped: " + why,
                        status -> status.path("master").path("error").asText().contains(why));
        assertTrue(stage.log().matching(why).stream()
                .anyMatch(line -> line.contains("--new-epoch") && line.contains("every slave then gets new dumps")));
    }
}
