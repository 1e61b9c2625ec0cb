package dev.replicator.slave;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.replicator.embedded.Await;
import dev.replicator.embedded.StepGate;
import dev.replicator.queue.TableName;
import java.sql.SQLException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Indexes of a restored table: by several sessions at once, each for good, in a table left alone by autovacuum. */
final class IndexesIT extends SlaveITBase {
    private static final String COPY = "SELECT oid FROM pg_class WHERE relkind = 'r' AND relname LIKE 'copy\\_%'";
    private static final String TABLE = "SELECT 'orders'::regclass";

    private TableName orders;

    @BeforeEach
    void createTable() throws Exception {
        orders = slave.master.createTable("public.orders");
        slave.master.createIndex(orders, "by_v", "USING btree (v)");
        slave.master.createIndex(orders, "by_length", "USING btree (length(v))");
        slave.master.createIndex(orders, "by_both", "USING btree (v, id)");
        slave.master.begin().insert(orders, 1, "a").insert(orders, 2, "b").commit();
        slave.forwarder.select("public.orders");
    }

    @Test
    void shouldBuildIndexesOfOneTableInSeveralSessions() throws Exception {
        try (StepGate written = StepGate.hold("restore.index-written")) {
            slave.start();
            awaitValue(
                    "two indexes in the making",
                    "2",
                    "SELECT count(DISTINCT pid) FROM pg_locks WHERE mode = 'ShareLock' AND relation = (" + COPY + ")");
            assertEquals("autovacuum_enabled=off", optionsOf(COPY));
            written.release();
            slave.awaitInSync(orders);
        }
        assertEquals(
                "by_both,by_length,by_v,orders_pkey",
                slave.value("SELECT string_agg(indexname, ',' ORDER BY indexname) FROM pg_indexes"
                        + " WHERE tablename = 'orders'"));
        assertEquals(null, optionsOf(TABLE));
    }

    @Test
    void shouldBuildOnlyWhatIsMissingWhenTheDaemonEndedInBetween() throws Exception {
        String built;
        try (StepGate first = StepGate.holdFirst("restore.index-written")) {
            slave.start();
            first.awaitArrival();
            awaitValue("three indexes", "3", "SELECT count(*) FROM pg_index WHERE indrelid = (" + COPY + ")");
            built = indexesOf(COPY);
            slave.stop();
        }
        slave.start();
        slave.awaitInSync(orders);
        String oids = indexesOf(TABLE);
        assertEquals(4, oids.split(",").length);
        assertEquals(built, oids.substring(0, built.length()), "built again");
    }

    private String optionsOf(String table) throws SQLException {
        return slave.value("SELECT array_to_string(reloptions, ',') FROM pg_class WHERE oid = (" + table + ")");
    }

    /** Their ids, in the order in which they were made. */
    private String indexesOf(String table) throws SQLException {
        return slave.value(
                "SELECT string_agg(indexrelid::text, ',' ORDER BY indexrelid) FROM pg_index WHERE indrelid = (" + table
                        + ")");
    }

    private void awaitValue(String what, String expected, String sql) {
        Await.until(what, SlaveFixture.WAIT, () -> expected.equals(slave.value(sql)), slave::describe);
    }
}
