package dev.replicator.slave.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rule R04: each batch knows the definitions as they are, however seldom it asks for them. */
final class TargetVersionsIT {
    private static final TableName ORDERS = TableName.parse("versions.orders");
    private static final TableName ITEMS = TableName.parse("versions.items");

    private ApplyFixture fixture;
    private Connection session;
    private Connection operator;
    private TargetVersions versions;

    @BeforeEach
    void create() throws Exception {
        fixture = ApplyFixture.replica();
        fixture.sql("DROP SCHEMA IF EXISTS versions CASCADE; CREATE SCHEMA versions;"
                + "CREATE TABLE versions.orders (id int); CREATE TABLE versions.items (id int)");
        String url = "jdbc:postgresql://127.0.0.1:" + ApplyFixture.SERVER.port() + "/postgres";
        session = TargetSession.open(url, "postgres", null, "test");
        session.setAutoCommit(false);
        operator = TargetSession.open(url, "postgres", null, "operator");
        operator.setAutoCommit(false);
        versions = new TargetVersions(session);
    }

    @AfterEach
    void close() throws Exception {
        operator.close();
        session.close();
        fixture.sql("DROP SCHEMA versions CASCADE");
        fixture.close();
    }

    @Test
    void shouldAskOnlyOnceWhileNobodyElseWrites() throws Exception {
        Map<TableName, String> first = look();
        assertEquals(2, questions(ORDERS), "the lock, and who writes");
        assertEquals(3, questions(ORDERS, ITEMS), "a table that was not looked at");
        assertEquals(first, look());
        operator("ALTER TABLE versions.items ADD note text");
        assertEquals(first, look());
        assertEquals(2, questions(ORDERS));
    }

    @Test
    void r04ShouldSeeWhatWasChangedBetweenTwoBatches() throws Exception {
        Map<TableName, String> before = look();
        operator("ALTER TABLE versions.orders ADD note text");
        Map<TableName, String> after = look();
        assertNotEquals(before, after);
        assertEquals(after, look());
    }

    @Test
    void r04ShouldSeeATransactionThatBeganBeforeTheLastBatch() throws Exception {
        look();
        run(operator, "SELECT pg_current_xact_id()");
        Map<TableName, String> before = look();
        run(operator, "ALTER TABLE versions.orders ADD note text");
        operator.commit();
        assertNotEquals(before, look());
    }

    @Test
    void r04ShouldSeeATransactionThatBeganWithinTheLastBatch() throws Exception {
        look();
        run(session, "SELECT pg_current_xact_id()");
        Map<TableName, String> before = versions.lock(List.of(ORDERS));
        run(operator, "SELECT pg_current_xact_id()");
        session.commit();
        run(operator, "ALTER TABLE versions.orders ADD note text");
        operator.commit();
        assertNotEquals(before, look());
    }

    @Test
    void r04ShouldSeeWhatIsCommittedWhileABatchWaitsForItsLock() throws Exception {
        Map<TableName, String> before = look();
        run(session, "SELECT pg_current_xact_id()");
        operator("ALTER TABLE versions.orders ADD note text");
        Map<TableName, String> after = versions.lock(List.of(ORDERS));
        session.commit();
        assertNotEquals(before, after);
        assertEquals(after, look());
    }

    private Map<TableName, String> look() throws SQLException, TableException {
        run(session, "SELECT pg_current_xact_id()");
        Map<TableName, String> found = Map.copyOf(versions.lock(List.of(ORDERS)));
        session.commit();
        return found;
    }

    private int questions(TableName... tables) throws SQLException {
        return versions.look(List.of(tables)).texts().size();
    }

    private void operator(String sql) throws SQLException {
        run(operator, sql);
        operator.commit();
    }

    private static void run(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
