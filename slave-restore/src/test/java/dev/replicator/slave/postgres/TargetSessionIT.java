package dev.replicator.slave.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Rule R12: nothing the role or database sets bends an apply session. */
class TargetSessionIT {
    private static final String ODD = "replicator_odd_role";

    @Test
    void r12ShouldPinWhatTheRoleSetsOtherwise() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica()) {
            fixture.sql("DROP ROLE IF EXISTS " + ODD + "; CREATE ROLE " + ODD + " LOGIN");
            for (String setting : List.of(
                    "datestyle = 'German'",
                    "intervalstyle = 'sql_standard'",
                    "timezone = 'Asia/Kolkata'",
                    "bytea_output = 'escape'",
                    "extra_float_digits = -5",
                    "search_path = 'm'",
                    "statement_timeout = '1ms'",
                    "default_transaction_read_only = on",
                    "default_transaction_isolation = 'serializable'",
                    "xmloption = 'document'")) {
                fixture.sql("ALTER ROLE " + ODD + " SET " + setting);
            }
            String url = "jdbc:postgresql://127.0.0.1:" + ApplyFixture.SERVER.port() + "/postgres";
            try (Connection session = TargetSession.open(url, ODD, null, "slave x");
                    Statement statement = session.createStatement();
                    ResultSet row = statement.executeQuery(
                            "SELECT interval '-1 day 2 hours', timestamptz '2024-05-01 00:00+00',"
                                    + " '\\x00ff'::bytea, 0.1::float8 + 0.2::float8, current_setting('search_path'),"
                                    + " current_setting('statement_timeout'), current_setting('transaction_read_only'),"
                                    + " current_setting('transaction_isolation'), current_setting('row_security'),"
                                    + " current_setting('application_name'), current_setting('synchronous_commit')")) {
                row.next();
                String[] expected = {
                    "-1 days +02:00:00",
                    "2024-05-01 00:00:00+00",
                    "\\x00ff",
                    "0.30000000000000004",
                    "",
                    "0",
                    "off",
                    "read committed",
                    "off",
                    "replicator slave x",
                    "off"
                };
                for (int i = 0; i < expected.length; i++) {
                    assertEquals(expected[i], row.getString(i + 1));
                }
                assertFalse(TargetSession.isReplica(session));
                assertTrue(TargetSession.isReplica(fixture.session));
            }
        }
    }

    @Test
    void shouldUseReplicaRoleWhereItIsGranted() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.ordinary()) {
            fixture.sql("DROP ROLE IF EXISTS granted; CREATE ROLE granted LOGIN;"
                    + "GRANT SET ON PARAMETER session_replication_role TO granted");
            String url = "jdbc:postgresql://127.0.0.1:" + ApplyFixture.SERVER.port() + "/postgres";
            try (Connection session = TargetSession.open(url, "granted", null, "test")) {
                assertTrue(TargetSession.isReplica(session));
            }
            fixture.sql("DROP OWNED BY granted; DROP ROLE granted");
        }
    }

    @Test
    void shouldR10LetOnlyOneSessionHoldTheSlavesLock() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica();
                Connection other = fixture.newSession()) {
            assertTrue(TargetSession.tryLock(fixture.session, "shop", "a"));
            assertFalse(TargetSession.tryLock(other, "shop", "a"));
            assertTrue(TargetSession.tryLock(other, "shop", "b"));
        }
    }

    @Test
    void shouldR23NameTheSessionWaitedFor() throws Exception {
        try (ApplyFixture fixture = ApplyFixture.replica();
                Connection other = fixture.newSession()) {
            assertEquals(List.of(), SqlFailures.blockingPids(other, SqlFailures.backendPid(fixture.session)));
        }
    }
}
