package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** R01: rows written before a table was published must be in its dump, whenever they commit. */
class R01JoiningTableIT {
    private static final String SCHEMA =
            """
            CREATE TABLE first (id int PRIMARY KEY);
            CREATE TABLE t (id int PRIMARY KEY);
            """;

    /** T1 writes a row, t is published, T1 writes another row and commits: the stream has the second row only. */
    @Test
    void r01ShouldNotDumpATableBeforeWhoeverWroteUnpublishedRowsHasEnded() throws Exception {
        try (Stage stage = Stage.open(SCHEMA).startMasterSide("public.first")) {
            stage.startSlave("s", "public.first", "public.t");
            stage.awaitTableState("s", "public.first", "in-sync");
            Session writer = stage.session().run("BEGIN", "INSERT INTO t VALUES (1)");
            long id = writer.transactionId();
            stage.stopCapture();
            stage.defineCapture("", "public.first", "public.t");
            stage.startCapture();
            stage.waiting().until("the dump names whom it waits for", status -> status.path("master")
                    .path("waitingFor")
                    .toString()
                    .contains(Long.toString(id)));
            String tables = stage.admin("tables").orThrow();
            assertTrue(tables.contains(Long.toString(id)), tables);
            writer.run("INSERT INTO t VALUES (2)", "COMMIT");
            stage.awaitInSync("s", 2);
            stage.assertEqualTables("s", "public.t");
        }
    }
}
