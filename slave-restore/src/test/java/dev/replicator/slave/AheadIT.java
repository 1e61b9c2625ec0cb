package dev.replicator.slave;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.embedded.Await;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.runtime.Steps;
import dev.replicator.slave.lane.BatchLimits;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What may happen while the main lane has taken its next batch and prepared it (rules R04, R10, R11). */
final class AheadIT extends SlaveITBase {
    private static final String LANES_POSITION = "SELECT seq FROM replicator.progress WHERE origin = 0";

    private TableName orders;
    private TableName items;
    private int next = 10;

    @BeforeEach
    void createTables() throws Exception {
        orders = slave.master.createTable("public.orders");
        items = slave.master.createTable("public.items");
        slave.master.begin().insert(orders, 1, "a").insert(items, 1, "b").commit();
        slave.limits = new BatchLimits(2, Duration.ofMillis(20), BatchLimits.DEFAULT_BYTES);
    }

    private void startInSync(TableName... tables) throws Exception {
        for (TableName table : tables) {
            slave.forwarder.select(table.toString());
        }
        slave.start();
        slave.awaitInSync(tables);
    }

    /** Writes until the lane is where the steps want it. */
    private void writeUntil(AheadSteps steps) {
        Await.until(
                "a batch to be written while the next one is prepared",
                Duration.ofSeconds(60),
                () -> {
                    for (int i = 0; i < 10; i++) {
                        slave.master
                                .begin()
                                .insert(orders, next, "o")
                                .insert(items, next, "i")
                                .commit();
                        next++;
                    }
                    return steps.isThere();
                },
                slave::describe);
    }

    /** The same with nothing behind the batch that is taken ahead: whoever offers to join does so at its end. */
    private void writeTwoBatchesUntil(AheadSteps steps) {
        Await.until(
                "a batch to be written while the last one is prepared",
                Duration.ofSeconds(60),
                () -> {
                    slave.forwarder.withheldLanes.add("main");
                    for (int i = 0; i < 4; i++) {
                        slave.master.begin().insert(orders, next++, "o").commit();
                    }
                    slave.forwarder.withheldLanes.remove("main");
                    while (!steps.isThere() && !slave.rows(orders).equals(slave.master.rows(orders))) {
                        Thread.onSpinWait();
                    }
                    return steps.isThere();
                },
                slave::describe);
    }

    @Test
    void r10ShouldDropWhatWasTakenAheadWhenTheBatchBeforeItFails() throws Exception {
        startInSync(orders);
        AtomicReference<String> stored = new AtomicReference<>();
        AtomicReference<String> storedAfter = new AtomicReference<>();
        try (AheadSteps steps = new AheadSteps(there -> {
            stored.set(slave.value(LANES_POSITION));
            slave.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    + " WHERE datname = current_database() AND application_name LIKE '%lane main'");
            Await.until("the lane's session to end", SlaveFixture.WAIT, () -> "0"
                    .equals(slave.value("SELECT count(*) FROM pg_stat_activity"
                            + " WHERE datname = current_database() AND application_name LIKE '%lane main'")));
            storedAfter.set(slave.value(LANES_POSITION));
            assertTrue(acknowledged() <= Long.parseLong(stored.get()), "what was taken ahead is acknowledged");
        })) {
            writeUntil(steps);
            steps.awaitDone();
        }
        assertEquals(stored.get(), storedAfter.get());

        slave.awaitInSync(orders);
        assertEquals("0", slave.value("SELECT count(*) FROM replicator.conflict"));
    }

    private long acknowledged() {
        Position position = slave.forwarder.acknowledged.get("main");
        return position == null ? -1 : position.seq();
    }

    @Test
    void r11ShouldNotHandOverAnythingWhileABatchIsTakenAhead() throws Exception {
        startInSync(orders);
        slave.forwarder.withheldLanes.add("restore-2");
        slave.forwarder.select("public.orders", "public.items");
        slave.awaitState(items, "catching-up");
        try (AheadSteps steps = new AheadSteps(there -> {
            slave.forwarder.withheldLanes.clear();
            there.awaitOffer();
        })) {
            writeTwoBatchesUntil(steps);
            steps.awaitDone();
        }

        slave.awaitInSync(orders, items);
        assertEquals("0", slave.value("SELECT count(*) FROM replicator.lane"));
        assertEquals("0", slave.value("SELECT count(*) FROM replicator.conflict"));
    }

    /** Prepared by what was known, rows whose keys change would lose the new column's values. */
    @Test
    void r04ShouldPrepareAgainWhenADefinitionHasChanged() throws Exception {
        int rows = 400;
        for (int i = 10; i < 10 + rows; i++) {
            slave.master.begin().insert(orders, i, "o").commit();
        }
        startInSync(orders);
        AtomicReference<CompletableFuture<Void>> alteration = new AtomicReference<>();
        try (AheadSteps steps = new AheadSteps(there -> {
            alteration.set(CompletableFuture.runAsync(this::addColumn));
            Await.until("the operator's command to wait for the batch", SlaveFixture.WAIT, () -> "1"
                    .equals(slave.value("SELECT count(*) FROM pg_locks WHERE NOT granted"
                            + " AND relation = 'public.orders'::regclass AND mode = 'AccessExclusiveLock'")));
        })) {
            for (int i = 10; i < 10 + rows; i++) {
                slave.master.begin().move(orders, i, -i, "moved").commit();
            }
            steps.awaitDone();
            alteration.get().get(60, TimeUnit.SECONDS);
        }

        slave.awaitInSync(orders);
        assertEquals("0", slave.value("SELECT count(*) FROM public.orders WHERE own NOT LIKE 'own%'"));
    }

    private void addColumn() {
        try {
            slave.execute("ALTER TABLE public.orders ADD COLUMN own text DEFAULT 'default';"
                    + " UPDATE public.orders SET own = 'own' || id");
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** Later pieces change, move and delete what earlier ones inserted. */
    @Test
    void shouldApplyPiecesOfALargeTransactionInOrder() throws Exception {
        slave.limits = new BatchLimits(2, Duration.ofMillis(20), 20_000);
        startInSync(orders);
        AtomicInteger prepared = new AtomicInteger();
        Steps.observe(step -> {
            if (step.equals("lane.piece-prepared")) {
                prepared.incrementAndGet();
            }
        });
        try {
            FakeMaster.Transaction large = slave.master.begin();
            for (int i = 10; i < 20_000; i++) {
                large.insert(orders, i, "inserted");
                if (i >= 4_000) {
                    large.update(orders, i - 3_000, "updated");
                }
                if (i >= 8_000) {
                    large.move(orders, i - 7_000, 7_000 - i, "moved");
                }
                if (i >= 12_000 && i % 2 == 0) {
                    large.delete(orders, 11_000 - i);
                }
            }
            large.commit();
            slave.awaitInSync(orders);
        } finally {
            Steps.observe(null);
        }

        assertTrue(prepared.get() > 1, prepared + " pieces were prepared ahead");
        assertEquals("0", slave.value("SELECT count(*) FROM replicator.conflict"));
    }

    @Test
    void shouldStopWithABatchTakenAhead() throws Exception {
        startInSync(orders);
        try (AheadSteps steps = new AheadSteps(there -> new CountDownLatch(1).await())) {
            writeUntil(steps);
            slave.stop();
            steps.awaitDone();
        }
        Await.until("the helper's thread to end", SlaveFixture.WAIT, () -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().startsWith("ahead-")));

        slave.start();
        slave.awaitInSync(orders);
        assertEquals("0", slave.value("SELECT count(*) FROM replicator.conflict"));
    }
}
