package dev.replicator.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.replicator.launcher.local.LocalSlave;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The daemons work under ordinary roles with just the grants that docs/operating/install.md names. */
class RoleIT {
    private static final String ROLE = "replicator";

    private Replication replication;

    @RegisterExtension
    final DiagnosticsOnFailure diagnostics = new DiagnosticsOnFailure(() -> replication);

    @BeforeEach
    void start() throws Exception {
        replication = Replication.servers();
        replication.onMaster(
                "CREATE ROLE app NOLOGIN",
                "CREATE TABLE parent (id int PRIMARY KEY, v text)",
                "CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent ON DELETE CASCADE)",
                "INSERT INTO parent SELECT i, 'p' || i FROM generate_series(1, 200) i",
                "INSERT INTO child SELECT i, i FROM generate_series(1, 200) i",
                "ALTER TABLE parent OWNER TO app",
                "ALTER TABLE child OWNER TO app",
                "CREATE ROLE " + ROLE + " LOGIN REPLICATION",
                "GRANT CREATE ON DATABASE postgres TO " + ROLE,
                "GRANT app TO " + ROLE);
        replication.run(replication.cluster().defineForwarder("1GiB", ""));
        replication.run(replication
                .cluster()
                .defineCapture(
                        replication.master().jdbcUrl(Replication.DATABASE).replaceAll("\\?.*", ""),
                        ROLE,
                        "unused",
                        List.of("public.*"),
                        ""));
        replication.targets().execute(Replication.DATABASE, "CREATE ROLE " + ROLE + " LOGIN", "CREATE DATABASE weak");
    }

    @AfterEach
    void stop() {
        replication.close();
    }

    @Test
    void shouldReplicateIntoExistingTablesWithLiveForeignKeysUnderReplicaRole() throws Exception {
        replication
                .targets()
                .execute(
                        "weak",
                        "CREATE TABLE parent (id int PRIMARY KEY, v text)",
                        "CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent ON DELETE CASCADE)",
                        "GRANT CREATE ON DATABASE weak TO " + ROLE,
                        "GRANT USAGE, CREATE ON SCHEMA public TO " + ROLE,
                        "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON parent, child TO " + ROLE,
                        "GRANT SET ON PARAMETER session_replication_role TO " + ROLE);
        startWeakSlave();
        replication.awaitInSync("weak", 2);
        replication.onMaster("DELETE FROM parent WHERE id <= 50", "UPDATE parent SET v = v || '!' WHERE id > 150");
        replication.assertEqualTables("weak", "public.parent", "public.child");
        assertEquals("150", replication.onSlave("weak", "SELECT count(*) FROM child"));
    }

    @Test
    void shouldCreateMissingTablesWithoutReplicaRole() throws Exception {
        replication
                .targets()
                .execute(
                        "weak",
                        "GRANT CREATE ON DATABASE weak TO " + ROLE,
                        "GRANT USAGE, CREATE ON SCHEMA public TO " + ROLE);
        startWeakSlave();
        replication.awaitInSync("weak", 2);
        replication.onMaster("DELETE FROM parent WHERE id <= 50", "INSERT INTO parent VALUES (1000, 'new')");
        replication.assertEqualTables("weak", "public.parent", "public.child");
    }

    private void startWeakSlave() throws Exception {
        LocalSlave slave = replication
                .cluster()
                .defineSlave(
                        "weak",
                        replication.targets().jdbcUrl("weak").replaceAll("\\?.*", ""),
                        ROLE,
                        "unused",
                        List.of("public.parent", "public.child"));
        replication.waiting().until("the forwarder answers", status -> true);
        replication.cluster().admin("reload").orThrow();
        replication.run(slave.daemon());
    }
}
