package dev.replicator.slave;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** A new dump for tables in service: readers see old rows or new rows, nothing between (rule R14). */
final class ResyncIT extends SlaveITBase {

    /** Reads all the time and keeps the first thing that must not be seen. */
    private final class Reader {
        private final AtomicBoolean stop = new AtomicBoolean();
        private final AtomicReference<String> wrong = new AtomicReference<>();
        private final Thread thread;

        /** @param sql gives one row: what is read, and whether it may be seen */
        Reader(String sql) {
            thread = new Thread(() -> read(sql), "reader");
            thread.setDaemon(true);
            thread.start();
        }

        private void read(String sql) {
            try (Connection connection = slave.server.connect(slave.database);
                    Statement statement = connection.createStatement()) {
                while (!stop.get()) {
                    try (ResultSet row = statement.executeQuery(sql)) {
                        row.next();
                        if (!row.getBoolean(2)) {
                            wrong.compareAndSet(null, row.getString(1));
                        }
                    }
                }
            } catch (SQLException e) {
                wrong.compareAndSet(null, e.toString());
            }
        }

        /** Ends it; fails with the first thing that must not be seen. */
        void assertNothingWrong() throws InterruptedException {
            stop.set(true);
            thread.join();
            assertEquals(null, wrong.get(), "what a reader saw");
        }
    }

    private TableName filled(String name, int rows) throws Exception {
        TableName table = slave.master.createTable(name);
        FakeMaster.Transaction transaction = slave.master.begin();
        for (int i = 1; i <= rows; i++) {
            transaction.insert(table, i, "v" + i);
        }
        transaction.commit();
        return table;
    }

    @Test
    void shouldMendATableInServiceWithoutReadersNoticingR14() throws Exception {
        TableName orders = filled("public.orders", 100);
        slave.forwarder.select("public.orders");
        slave.start();
        slave.awaitInSync(orders);
        slave.execute("CREATE VIEW report AS SELECT * FROM public.orders;"
                + " CREATE TABLE child (order_id int REFERENCES public.orders ON DELETE CASCADE);"
                + " INSERT INTO child SELECT generate_series(1, 50);"
                + " ALTER TABLE public.orders ADD COLUMN note text; UPDATE public.orders SET note = 'mine';"
                + " UPDATE public.orders SET v = 'wrong' WHERE id BETWEEN 60 AND 70;"
                + " DELETE FROM public.orders WHERE id = 80; INSERT INTO public.orders VALUES (500, 'extra')");
        String oid = slave.value("SELECT 'public.orders'::regclass::oid");

        Reader reader = new Reader("SELECT count(*), count(*) BETWEEN 100 AND 130 FROM public.report");
        String command = slave.forwarder.command("resync", List.of("public.orders"), 0, List.of());
        for (int i = 0; i < 30; i++) {
            // Rows that moved while their keys were listed must be right in the end, too.
            slave.master
                    .begin()
                    .insert(orders, 1000 + i, "new" + i)
                    .update(orders, 1 + i, "touched")
                    .commit();
            slave.master
                    .begin()
                    .move(orders, 60 + i % 10 + 100 * (i / 10), 160 + i % 10 + 100 * (i / 10), "moved")
                    .commit();
        }
        slave.awaitDone(command);
        slave.awaitInSync(orders);
        reader.assertNothingWrong();

        assertEquals(oid, slave.value("SELECT 'public.orders'::regclass::oid"));
        assertEquals("50", slave.value("SELECT count(*) FROM child"));
        assertEquals("mine", slave.value("SELECT note FROM public.orders WHERE id = 1"));
        assertEquals("0", slave.value("SELECT count(*) FROM replicator.restore"));
        assertEquals("0", slave.value("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'copy%'"));
    }

    @Test
    void shouldChangeAllTablesOfAResyncAtOnceR14() throws Exception {
        TableName a = filled("public.a", 200);
        TableName b = filled("public.b", 200);
        slave.forwarder.select("public.*");
        slave.start();
        slave.awaitInSync(a, b);
        slave.execute("UPDATE public.a SET v = 'old'; UPDATE public.b SET v = 'old'");

        Reader reader = new Reader("SELECT x.n || '/' || y.n, x.n = y.n AND x.n IN (0, 200) FROM"
                + " (SELECT count(*) AS n FROM public.a WHERE v = 'old') x,"
                + " (SELECT count(*) AS n FROM public.b WHERE v = 'old') y");
        String command = slave.forwarder.command("resync", List.of(), 0, List.of());
        slave.awaitDone(command);
        slave.awaitEqual(a);
        slave.awaitInSync(a, b);
        reader.assertNothingWrong();
    }

    @Test
    void shouldRestoreTheDumpThatWasOrdered() throws Exception {
        TableName orders = filled("public.orders", 10);
        slave.forwarder.select("public.orders");
        slave.start();
        slave.awaitInSync(orders);
        slave.execute("DELETE FROM public.orders WHERE id < 5");
        String dump = slave.master.dump(orders);
        int required = slave.forwarder.dumpsRequired.get();

        String command = slave.forwarder.command("restore", List.of("public.orders"), 0, List.of(dump));

        slave.awaitDone(command);
        slave.awaitInSync(orders);
        assertEquals(required, slave.forwarder.dumpsRequired.get());
    }

    @Test
    void shouldAdoptATableWithRowsAndNoKey() throws Exception {
        TableName orders = filled("public.orders", 20);
        slave.execute("CREATE TABLE public.orders (id int, v text);"
                + " INSERT INTO public.orders VALUES (1, 'mine'), (1, 'mine'), (99, 'mine')");
        slave.forwarder.select("public.orders");

        Reader reader = new Reader("SELECT count(*), count(*) IN (3, 20) FROM public.orders");
        slave.start();
        slave.awaitInSync(orders);
        reader.assertNothingWrong();
    }

    @Test
    void shouldLoadAnEmptyTableInPlace() throws Exception {
        TableName orders = filled("public.orders", 20);
        slave.execute("CREATE TABLE public.orders (id int PRIMARY KEY, v text, note text DEFAULT 'n')");
        slave.forwarder.select("public.orders");

        slave.start();

        slave.awaitInSync(orders);
        assertEquals("20", slave.value("SELECT count(*) FROM public.orders WHERE note = 'n'"));
    }

    @Test
    void shouldTellTheStatementWhenTheTargetLacksAColumn() throws Exception {
        TableName orders = filled("public.orders", 20);
        slave.execute("CREATE TABLE public.orders (id int PRIMARY KEY)");
        slave.forwarder.select("public.orders");
        slave.start();
        slave.awaitState(orders, "error");
        String hint = slave.table(orders).orElseThrow().getError();
        assertEquals(true, hint.contains("ADD COLUMN \"v\" text"), hint);

        slave.execute("ALTER TABLE public.orders ADD COLUMN v text");
        slave.awaitDone(slave.forwarder.command("resume", List.of("public.orders"), 0, List.of()));

        slave.awaitInSync(orders);
    }
}
