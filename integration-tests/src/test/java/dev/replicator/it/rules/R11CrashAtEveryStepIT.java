package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.it.ReaderProbe;
import dev.replicator.it.Traffic;
import dev.replicator.launcher.local.StatusWait;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;

/**
 * R10, R11, R14: every named step of the slave fails or crashes the daemon, once or three times, in an order that a seed
 * gives, under traffic, while tables join and leave, are copied again, are parked and become others on the master. In the
 * end every row is the master's, and readers never saw a mixed state.
 */
class R11CrashAtEveryStepIT {
    private static final List<String> STEPS = List.of(
            "slave.looks",
            "state.committed",
            "lane.batch-taken",
            "lane.batch-written",
            "lane.batch-committed",
            "lane.join-ready",
            "lane.join-offered",
            "lane.join-written",
            "lane.change-over-written",
            "lane.park-written",
            "lane.table-set-written",
            "lane.schema-written",
            "restore.dump-chosen",
            "restore.copy-made",
            "restore.chunk-written",
            "restore.index-written",
            "restore.loaded-written",
            "restore.lane-written",
            "resync.keys-listed",
            "resync.rows-rewritten");
    private static final int MOST_ROUNDS = 4;

    private final long seed = Long.getLong("test.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private Stage stage;
    private StepFaults faults;
    private int alterations;

    @Test
    void r11ShouldComeOutEqualWhateverStepTheSlaveCrashesAt() throws Exception {
        try (Stage opened = Stage.open(Traffic.SCHEMA).startMasterSide("bank.*");
                StepFaults failing = new StepFaults(seed, STEPS);
                Traffic traffic = new Traffic(() -> opened.masterServer().connect(opened.masterDatabase()), 2)) {
            stage = opened;
            faults = failing;
            stage.startSlave("s", "bank.*");
            awaitInSync("the first copy");
            try (ReaderProbe probe = new ReaderProbe(() -> stage.slaveConnection("s"))) {
                for (int round = 0; round < MOST_ROUNDS && !faults.left().isEmpty(); round++) {
                    disturb();
                }
                assertEquals("", probe.violation(), "seed " + seed);
            }
            assertEquals(Set.of(), faults.left(), "steps that were never reached, seed " + seed);
            faults.close();
            traffic.finish();
            awaitInSync("all");
            stage.assertEqualTables("s", Traffic.TABLES);
            assertEquals("0", stage.slaveValue("s", "SELECT count(*) FROM replicator.lane"), "seed " + seed);
            assertEquals("0", stage.slaveValue("s", "SELECT count(*) FROM replicator.restore"), "seed " + seed);
            assertEquals(
                    "0",
                    stage.slaveValue("s", "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'copy\\_%'"),
                    "seed " + seed);
        }
    }

    /** Everything that moves tables between lanes, in some order. */
    private void disturb() throws Exception {
        List<Callable<?>> disturbances =
                new ArrayList<>(List.of(this::leaveAndComeBack, this::copyAgain, this::park, this::rewriteOnMaster));
        Collections.shuffle(disturbances, random);
        for (Callable<?> disturbance : disturbances) {
            disturbance.call();
        }
    }

    private Object leaveAndComeBack() throws Exception {
        grant("bank.account", "bank.entry", "bank.audit");
        until("note has left", slave -> slave.path("tables").size() == 3);
        if (random.nextBoolean()) {
            stage.onSlave("s", "DROP TABLE bank.note");
        }
        grant("bank.*");
        return awaitInSync("note came back");
    }

    private void grant(String... tables) throws Exception {
        stage.cluster().grant("s", List.of(tables));
        stage.admin("reload").orThrow();
    }

    private Object copyAgain() {
        stage.admin("slave", "resync", "s").orThrow();
        return awaitDone("the re-sync of all tables");
    }

    private Object park() throws Exception {
        stage.onSlave("s", "DELETE FROM bank.note WHERE id = 7");
        stage.onMaster("UPDATE bank.note SET reads = -1 WHERE id = 7");
        until(
                "note is parked",
                slave -> slave.toString().contains("\"conflictSeq\":")
                        && state(slave).equals("error"));
        stage.admin("slave", "resync", "s", "--table", "bank.note").orThrow();
        return awaitDone("the re-sync of the parked table");
    }

    private Object rewriteOnMaster() throws Exception {
        String since = stage.slaveValue("s", incarnation());
        String type = alterations++ % 2 == 0 ? "bigint" : "int";
        stage.onMaster("ALTER TABLE bank.note ALTER reads TYPE " + type + " USING reads + 1");
        stage.onMaster("UPDATE bank.note SET reads = 0 WHERE id = 8");
        until("note is of the new incarnation", slave -> !since.equals(stage.slaveValue("s", incarnation())));
        return awaitInSync("note of the new incarnation");
    }

    private static String incarnation() {
        return "SELECT incarnation FROM replicator.table_state WHERE table_name = 'bank.note'";
    }

    /** A re-sync is over when no table asks for a dump nor is being restored. */
    private Object awaitDone(String what) {
        until(what, slave -> "0"
                .equals(stage.slaveValue(
                        "s",
                        "SELECT (SELECT count(*) FROM replicator.restore)"
                                + " + (SELECT count(*) FROM replicator.table_state WHERE need <> 'none')")));
        return awaitInSync(what);
    }

    private Object awaitInSync(String what) {
        return until(what + " in sync", slave -> {
            boolean all = slave.path("tables").size() == 4;
            for (JsonNode table : slave.path("tables")) {
                all &= table.path("state").asText().equals("in-sync");
            }
            return all;
        });
    }

    /** Of the slave as status shows it. */
    @FunctionalInterface
    private interface SlaveCondition {
        boolean holds(JsonNode slave) throws SQLException;
    }

    private static String state(JsonNode slave) {
        return slave.path("state").asText();
    }

    /** What a service manager does beside: a crashed daemon is started again. */
    private Object until(String what, SlaveCondition condition) {
        return stage.waiting().until(what + ", seed " + seed, status -> {
            if (faults.isCrashed()) {
                stage.stopSlave("s");
                faults.restarted();
                stage.startSlave("s");
            }
            try {
                return condition.holds(StatusWait.slaveOf(status, "s"));
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
    }
}
