package dev.replicator.it.rules;

import dev.replicator.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.util.Map;

/** Two servers for all rule tests of this process, started by the first one and ended with the process. */
final class SharedServers {
    private static EmbeddedPostgres master;
    private static EmbeddedPostgres targets;
    private static EmbeddedPostgres restorable;

    private SharedServers() {}

    static synchronized EmbeddedPostgres master() throws IOException {
        if (master == null) {
            master = start(Map.of());
        }
        return master;
    }

    static synchronized EmbeddedPostgres targets() throws IOException {
        if (targets == null) {
            targets = start(Map.of());
        }
        return targets;
    }

    /** A master whose data directory tests put back to what it was; for one stage at a time. */
    static synchronized EmbeddedPostgres restorable() throws IOException {
        if (restorable == null) {
            restorable = start(Map.of());
        }
        return restorable;
    }

    /** A server as the rule tests need it: prepared transactions, commits that wait for the disk in name only. */
    static EmbeddedPostgres start(Map<String, String> settings) throws IOException {
        return EmbeddedPostgres.builder()
                .setting("synchronous_commit", "on")
                .setting("max_prepared_transactions", "10")
                .setting("max_slot_wal_keep_size", "2GB")
                .setting("autovacuum", "off")
                .settings(settings)
                .start();
    }
}
