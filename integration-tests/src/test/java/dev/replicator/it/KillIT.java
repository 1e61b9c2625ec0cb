package dev.replicator.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.launcher.local.DaemonProcess;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** kill -9 of each daemon and each database under load: no row lost, none twice, in sync again by itself. */
class KillIT {
    private static final int KILLS = 30;

    private Replication replication;
    private Traffic traffic;

    @RegisterExtension
    final DiagnosticsOnFailure diagnostics = new DiagnosticsOnFailure(() -> replication);

    @BeforeEach
    void start() throws Exception {
        replication = Replication.start(Traffic.SCHEMA, "bank.*");
        traffic = new Traffic(replication::masterConnection, 2);
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
    void shouldLoseAndDoubleNothingWhateverIsKilled() throws Exception {
        long seed = Long.getLong("test.seed", System.nanoTime());
        Random random = new Random(seed);
        replication.startSlave("first", "bank.*");
        replication.startSlave("second", "bank.account", "bank.audit");
        replication.awaitInSync("first", Traffic.TABLES.length);
        for (int kill = 0; kill < KILLS; kill++) {
            traffic.awaitTransactions(10 + random.nextInt(60));
            killAndRestart(kill % 5);
        }
        traffic.awaitTransactions(50);
        traffic.finish();
        // Slaves that have all there is are in sync while the capture that was killed last still starts.
        replication.waiting().until("capture is back", status -> status.path("master")
                .path("captureConnected")
                .asBoolean());
        replication.awaitInSync("first", Traffic.TABLES.length);
        replication.awaitInSync("second", 2);
        replication.assertEqualTables("first", Traffic.TABLES);
        replication.assertEqualTables("second", "bank.account", "bank.audit");
        assertEquals("0", replication.onSlave("first", "SELECT sum(balance) FROM bank.account"), "seed " + seed);
    }

    @Test
    void shouldFinishARestoreThatIsKilledAgainAndAgain() throws Exception {
        replication.onMaster(
                "INSERT INTO bank.note SELECT i, 0, repeat(md5(i::text), 60) FROM generate_series(100, 8000) i");
        DaemonProcess slave = replication.startSlave("first", "bank.*").daemon();
        for (int kill = 0; kill < 6; kill++) {
            traffic.awaitTransactions(40);
            slave.kill();
            slave.start();
        }
        replication.awaitInSync("first", Traffic.TABLES.length);
        traffic.finish();
        replication.assertEqualTables("first", Traffic.TABLES);
    }

    private void killAndRestart(int victim) throws Exception {
        List<DaemonProcess> daemons = List.of(
                replication.cluster().slave("first").daemon(),
                replication.cluster().forwarder(),
                replication.cluster().capture());
        if (victim < daemons.size()) {
            daemons.get(victim).kill();
            daemons.get(victim).start();
        } else {
            EmbeddedPostgres server = victim == 3 ? replication.targets() : replication.master();
            server.kill9();
            server.startAgain();
        }
    }
}
